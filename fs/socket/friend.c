/* SPDX-License-Identifier: MIT
 *
 * See friend.h.
 */
#include "fs/socket/friend.h"
#include "fs/socket/dgram.h"
#include "fs/socket/socket.h"
#include "lib/pause.h"

#define AT_ONCE 64u

void friend_join(struct socket *s, struct socket *peer)
{
    SCOPED_LOCK(&peer->lock);
    if (peer->dead)
        return;
    s->awaits_room = false;
    WRITE_ONCE(s->friend_of, peer);
    list_add_tail(&peer->friends, &s->friend);
}

static void leave(struct socket *s)
{
    WRITE_ONCE(s->friend_of, NULL);
    list_del(&s->friend);
}

void friend_leave(struct socket *s, struct socket *peer)
{
    SCOPED_LOCK(&peer->lock);
    if (READ_ONCE(s->friend_of) == peer)
        leave(s);
}

bool friend_awaits_room(struct socket *s, struct socket *peer)
{
    SCOPED_LOCK(&peer->lock);
    if (!dgram_is_full_for(peer))
        return false;
    if (READ_ONCE(s->friend_of) == peer && !s->awaits_room) {
        s->awaits_room = true;
        list_del(&s->friend);
        list_add(&peer->friends, &s->friend);
    }
    return true;
}

/* Some of those that wait, as long as there is room: whether others do. */
static bool tell_some(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    for (u32 n = 0; n < AT_ONCE; n++) {
        struct list *first = list_first(&s->friends);
        struct socket *friend = first ? list_entry(first, struct socket, friend) : NULL;

        if (!friend || !friend->awaits_room || dgram_is_full_for(s))
            return false;
        friend->awaits_room = false;
        list_del(first);
        list_add_tail(&s->friends, first);
        socket_wake(friend);
    }
    return true;
}

void friends_have_room(struct socket *s)
{
    while (tell_some(s))
        pause_anyway();
}

static bool end_some(struct socket *s)
{
    SCOPED_LOCK(&s->lock);
    for (u32 n = 0; n < AT_ONCE; n++) {
        struct list *first = list_first(&s->friends);
        struct socket *friend = first ? list_entry(first, struct socket, friend) : NULL;

        if (!friend)
            return false;
        leave(friend);
        socket_wake(friend);
    }
    return true;
}

void friends_end(struct socket *s)
{
    while (end_some(s))
        pause_anyway();
}
