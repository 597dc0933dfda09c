/* SPDX-License-Identifier: MIT
 *
 * /proc/sysvipc/shm: the segments of System V shared memory.
 */
#include "kernel/procfs/sysvipc.h"
#include "fs/sysvshm.h"
#include "kernel/procfs/procfs.h"
#include "mm/vm/object.h"

int procfs_show_shm(struct seq *out, s32 pid)
{
    (void)pid;
    if (!out->from)
        seq_puts(out,
                 "       key      shmid perms                  size  cpid  lpid nattch   "
                 "uid   gid  cuid  cgid      atime      dtime      ctime                "
                 "   rss                  swap\n");
    mutex_lock(&shm_lock);
    for (u32 i = (u32)out->from; i <= shm_highest(); i++) {
        const struct shm_segment *s = shm_by_index(i);

        if (seq_full(out)) {
            out->next = i;
            break;
        }

        if (s)
            seq_printf(out,
                       "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10ld %10ld "
                       "%10ld %21lu %21u\n",
                       s->key, s->id, s->mode, s->size, s->cpid, s->lpid, shm_attaches(s),
                       s->uid, s->gid, s->cuid, s->cgid, s->atime, s->dtime, s->ctime,
                       object_resident(shm_object(s)) << PAGE_SHIFT, 0u);
    }
    mutex_unlock(&shm_lock);
    return 0;
}
