#include "firewall/role_dialogue.h"

void role_dialogue_begin(struct role_dialogue *dialogue)
{
    *dialogue = (struct role_dialogue){.records_dropped = dialogue->records_dropped};
}

void role_dialogue_tell(struct role_dialogue *dialogue, const struct role_message *message)
{
    if (message->kind == ROLE_MESSAGE_POLICY)
        dialogue->epoch_told = message->number;
    else if (message->kind == ROLE_MESSAGE_STATUS)
        dialogue->are_counters_due = true;
}

bool role_dialogue_hear(struct role_dialogue *dialogue, const struct role_message *message)
{
    if (message->kind == ROLE_MESSAGE_IN_FORCE) {
        if (message->number <= dialogue->epoch_in_force || message->number > dialogue->epoch_told)
            return false;
        dialogue->epoch_in_force = message->number;
        return true;
    }
    if (message->kind != ROLE_MESSAGE_COUNTERS || !dialogue->are_counters_due)
        return false;
    dialogue->are_counters_due = false;
    dialogue->agent_connections = message->number;
    dialogue->records_dropped = message->second;
    return true;
}
