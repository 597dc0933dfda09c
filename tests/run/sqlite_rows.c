/* SPDX-License-Identifier: MIT
 *
 * 20,000 rows into SQLite with a write-ahead log and a mapped database, an index, queries,
 * an integrity check, a vacuum; everything printed. For databases.py.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 20000 };

static sqlite3 *db;

static int row(void *arg, int n, char **value, char **name)
{
    (void)arg, (void)name;
    for (int i = 0; i < n; i++)
        printf("%s%c", value[i] ? value[i] : "-", i == n - 1 ? '\n' : ' ');
    return 0;
}

static void query(const char *sql)
{
    char *error = NULL;
    if (sqlite3_exec(db, sql, row, NULL, &error)) {
        printf("%s: %s\n", sql, error);
        exit(1);
    }
}

static void open_database(void)
{
    if (sqlite3_open("rows.db", &db)) {
        printf("open: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
    query("pragma journal_mode=wal");
    query("pragma mmap_size=67108864");
}

static void insert_rows(void)
{
    sqlite3_stmt *insert;
    query("begin");
    sqlite3_prepare_v2(db, "insert into t values(?, 'row ' || (? * 7))", -1, &insert,
                       NULL);
    for (int i = 0; i < ROWS; i++) {
        sqlite3_bind_int(insert, 1, i);
        sqlite3_bind_int(insert, 2, i);
        if (sqlite3_step(insert) != SQLITE_DONE) {
            printf("insert: %s\n", sqlite3_errmsg(db));
            exit(1);
        }
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    query("commit");
}

int main(void)
{
    open_database();
    query("create table t(a integer primary key, b text)");
    insert_rows();
    query("select count(*), sum(length(b)) from t");
    query("create index i on t(b)");
    query("select a from t where b = 'row 700'");
    query("delete from t where a % 3 = 0");
    query("pragma integrity_check");
    query("pragma wal_checkpoint");
    sqlite3_close(db);
    open_database();
    query("select count(*), sum(a), min(b), max(b) from t");
    query("vacuum");
    query("pragma integrity_check");
    query("pragma page_count");
    sqlite3_close(db);
    return 0;
}
