#include "relay_steps.h"

void relay_steps_set_room(struct fake_peer *peer, uint8_t how)
{
    if (how < 64)
        peer->room = 0;
    else if (how < 128)
        peer->room = how;
    else
        fake_peer_take(peer, how < 192 ? (size_t)how * 64 : FAKE_ROOM_ENDLESS);
}

void relay_steps_end_peer(struct fake_peer *peer, uint8_t how)
{
    if (how & 0x40)
        fake_peer_break(peer);
    else
        fake_peer_end(peer, how & 0x80 ? STREAM_LOST : STREAM_END);
}

struct fake_dial *relay_steps_find_dial(struct fake_world *world, uint8_t whom)
{
    size_t back = whom % 4;
    for (size_t i = world->dial_count; i > 0; i--)
        if (world->dials[i - 1].peer && back-- == 0)
            return &world->dials[i - 1];
    return NULL;
}

const char *relay_steps_policy(size_t which)
{
    static const char *const policies[] = {
        "a.example.com\n",
        "a.example.com GET,HEAD,OPTIONS /pub/**\na.example.com POST,PUT /up/*\n",
        "a.example.com POST\n",
        "b.example.com\n",
    };
    return policies[which % (sizeof(policies) / sizeof(policies[0]))];
}

struct bytes relay_steps_take_bytes(struct bytes *input)
{
    struct bytes rest = bytes_from(*input, 1);
    struct bytes bytes = input->length ? bytes_first(rest, input->data[0]) : BYTES_EMPTY;
    *input = bytes_from(rest, bytes.length);
    return bytes;
}
