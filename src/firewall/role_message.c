#include "firewall/role_message.h"

#include <unistd.h>

bool role_message_send(int channel, const struct role_message *message, int descriptor,
                       int64_t deadline_ms, struct error *error)
{
    struct bytes bytes = {(const uint8_t *)message, sizeof(*message)};
    return descriptor_channel_send(channel, bytes, descriptor, deadline_ms, error);
}

enum descriptor_channel_result role_message_receive(int channel, struct role_message *message,
                                                    int *descriptor)
{
    struct role_message received;
    size_t length = 0;
    enum descriptor_channel_result result = descriptor_channel_receive(
        channel, (uint8_t *)&received, sizeof(received), &length, descriptor);
    if (result != DESCRIPTOR_CHANNEL_MESSAGE)
        return result;
    if (length != sizeof(received) || received.kind >= ROLE_MESSAGE_KIND_COUNT) {
        if (*descriptor >= 0)
            close(*descriptor);
        return DESCRIPTOR_CHANNEL_END;
    }
    *message = received;
    return DESCRIPTOR_CHANNEL_MESSAGE;
}
