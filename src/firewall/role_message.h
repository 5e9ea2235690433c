#ifndef FIREWALL_ROLE_MESSAGE_H
#define FIREWALL_ROLE_MESSAGE_H

#include <stdint.h>

#include "base/error.h"
#include "system/descriptor_channel.h"

/** What supervisor and roles say to each other; each with at most one descriptor. */
enum role_message_kind {
    /* supervisor -> proxy */
    ROLE_MESSAGE_LISTENER,      /* `number` port; descriptor: TCP listener */
    ROLE_MESSAGE_LISTENER_GONE, /* `number` port: close it */
    ROLE_MESSAGE_DATAGRAM,      /* descriptor: the UDP socket of port 53 */
    ROLE_MESSAGE_LINK,          /* descriptor: the packet socket */
    ROLE_MESSAGE_POLICY,        /* `number` epoch; descriptor: memory file with the bundle */
    ROLE_MESSAGE_ADDRESSES,     /* descriptor: memory file with a struct own_addresses */
    ROLE_MESSAGE_STATUS,        /* tell your counters */
    ROLE_MESSAGE_CAPTURE,       /* `number` generation: capture if it is odd */
    /* proxy -> supervisor */
    ROLE_MESSAGE_IN_FORCE,  /* `number` epoch: the policy holds for all that comes after */
    ROLE_MESSAGE_COUNTERS,  /* `number` agent connections, `second` records dropped */
    ROLE_MESSAGE_CAPTURING, /* `number` generation: it holds for exchanges that begin from now on */
    /* supervisor -> recorder, which says nothing itself: by the socket the supervisor sees when a
     * viewer has gone */
    ROLE_MESSAGE_VIEWER, /* `number` of enum role_viewer; descriptor: the viewer's socket */
    ROLE_MESSAGE_KIND_COUNT
};

/** What a viewer asked for. */
enum role_viewer { ROLE_VIEWER_BODIES = 1 << 0, ROLE_VIEWER_BACKLOG = 1 << 1 };

/** Travels as it is in memory: both ends are the same program. */
struct role_message {
    uint32_t kind;
    uint32_t reserved; /* 0 */
    uint64_t number;
    uint64_t second;
};

enum {
    ROLE_MESSAGE_SEND_MS = 1000, /* all messages of one matter together, where none is taken */
};

/** As descriptor_channel_send. */
bool role_message_send(int channel, const struct role_message *message, int descriptor,
                       int64_t deadline_ms, struct error *error);

/** As descriptor_channel_receive; a message of unknown shape ends the channel. */
enum descriptor_channel_result role_message_receive(int channel, struct role_message *message,
                                                    int *descriptor);

#endif
