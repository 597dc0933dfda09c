/* SPDX-License-Identifier: MIT
 *
 * The harness itself.
 */
#include "mm/op/mm.h"
#include "mm/phys/buddy.h"
#include "tests/host/harness.h"
#include "tests/host/port.h"

TEST(create_and_put)
{
    struct mm *mm = mm_create();

    CHECK(mm);
    mm_put(mm);
}
