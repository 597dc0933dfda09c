/* SPDX-License-Identifier: MIT
 *
 * 20,000 puts into LMDB in transactions of 1,000, some deletions, then a scan; the argument
 * "writemap" lets LMDB write through its mapping. For databases.py.
 */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ENTRIES = 20000, BATCH = 1000, VALUE = 100 };

static MDB_env *env;
static MDB_dbi dbi;

static void must(int err, const char *what)
{
    if (err) {
        printf("%s: %s\n", what, mdb_strerror(err));
        exit(1);
    }
}

static void put_batch(MDB_txn *txn, int first)
{
    for (int i = first; i < first + BATCH; i++) {
        char key[32], value[VALUE];
        MDB_val k = {.mv_data = key}, v = {VALUE, value};
        k.mv_size = (size_t)sprintf(key, "key%08d", i * 7919 % ENTRIES);
        memset(value, 'a' + i % 26, VALUE);
        must(mdb_put(txn, dbi, &k, &v, 0), "put");
        if (i % 10 == 9)
            must(mdb_del(txn, dbi, &k, NULL), "del");
    }
}

static void scan(void)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val k, v;
    unsigned long sum = 0;
    int n = 0, err;
    must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "begin");
    must(mdb_cursor_open(txn, dbi, &cursor), "cursor");
    while ((err = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
        n++;
        for (size_t i = 0; i < v.mv_size; i++)
            sum = sum * 31 + ((unsigned char *)v.mv_data)[i];
        sum += ((unsigned char *)k.mv_data)[k.mv_size - 1];
    }
    if (err != MDB_NOTFOUND)
        must(err, "get");
    printf("%d entries, sum %lu\n", n, sum);
    mdb_cursor_close(cursor);
    mdb_txn_abort(txn);
}

int main(int argc, char **argv)
{
    unsigned flags = argc > 1 && !strcmp(argv[1], "writemap") ? MDB_WRITEMAP : 0;
    MDB_txn *txn;
    MDB_stat st;
    mkdir("db", 0755);
    must(mdb_env_create(&env), "create");
    must(mdb_env_set_mapsize(env, 64 << 20), "mapsize");
    must(mdb_env_open(env, "db", flags, 0644), "open");
    for (int i = 0; i < ENTRIES; i += BATCH) {
        must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
        must(mdb_dbi_open(txn, NULL, 0, &dbi), "dbi");
        put_batch(txn, i);
        must(mdb_txn_commit(txn), "commit");
    }
    must(mdb_env_sync(env, 1), "sync");
    scan();
    must(mdb_env_stat(env, &st), "stat");
    printf("depth %u, %zu leaves, %zu branches\n", st.ms_depth, st.ms_leaf_pages,
           st.ms_branch_pages);
    mdb_env_close(env);
    must(mdb_env_create(&env), "create"); /* and what is there after opening it again */
    must(mdb_env_set_mapsize(env, 64 << 20), "mapsize");
    must(mdb_env_open(env, "db", MDB_RDONLY, 0644), "open");
    must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "begin");
    must(mdb_dbi_open(txn, NULL, 0, &dbi), "dbi");
    must(mdb_txn_commit(txn), "commit");
    scan();
    mdb_env_close(env);
    return 0;
}
