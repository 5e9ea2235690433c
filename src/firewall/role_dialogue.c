#include "firewall/role_dialogue.h"

void role_dialogue_begin(struct role_dialogue *dialogue)
{
    *dialogue = (struct role_dialogue){.records_dropped = dialogue->records_dropped};
}

void role_dialogue_tell(struct role_dialogue *dialogue, const struct role_message *message)
{
    if (message->kind == ROLE_MESSAGE_POLICY)
        dialogue->epoch_told = message->number;
    else if (message->kind == ROLE_MESSAGE_CAPTURE)
        dialogue->capture_told = message->number;
    else if (message->kind == ROLE_MESSAGE_STATUS)
        dialogue->are_counters_due = true;
}

enum role_beat role_dialogue_beat(struct role_dialogue *dialogue, int64_t now_ms)
{
    if (now_ms < dialogue->next_beat_ms)
        return ROLE_BEAT_REST;
    dialogue->next_beat_ms = now_ms + ROLE_DIALOGUE_BEAT_MS;
    if (!dialogue->are_counters_due)
        return ROLE_BEAT_ASK;
    return ++dialogue->silent_beats < ROLE_DIALOGUE_BEATS_MAX ? ROLE_BEAT_REST : ROLE_BEAT_HUNG;
}

/* A number that was told, and not confirmed before. */
static bool confirm(uint64_t *in_force, uint64_t told, uint64_t number)
{
    if (number <= *in_force || number > told)
        return false;
    *in_force = number;
    return true;
}

bool role_dialogue_hear(struct role_dialogue *dialogue, const struct role_message *message)
{
    if (message->kind == ROLE_MESSAGE_IN_FORCE)
        return confirm(&dialogue->epoch_in_force, dialogue->epoch_told, message->number);
    if (message->kind == ROLE_MESSAGE_CAPTURING)
        return confirm(&dialogue->capture_in_force, dialogue->capture_told, message->number);
    if (message->kind != ROLE_MESSAGE_COUNTERS || !dialogue->are_counters_due)
        return false;
    dialogue->are_counters_due = false;
    dialogue->silent_beats = 0;
    dialogue->agent_connections = message->number;
    dialogue->records_dropped = message->second;
    return true;
}
