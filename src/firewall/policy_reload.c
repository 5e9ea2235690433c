#include "firewall/policy_reload.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "firewall/policy_bundle.h"
#include "firewall/policy_folder.h"
#include "firewall/role_message.h"
#include "firewall/supervisor.h"
#include "system/wall_clock.h"

/* TCP ports, ascending. */
struct wanted_ports {
    uint16_t ports[LINK_RULES_PORTS_MAX];
    size_t count;
};

static struct wanted_ports ports_of(const struct link_rules *rules)
{
    struct wanted_ports result = {.count = rules->port_count};
    memcpy(result.ports, rules->ports, rules->port_count * sizeof(*rules->ports));
    return result;
}

/* Packet rules for these ports; the ones before stay in force on failure. */
static bool open_ports(struct supervisor *supervisor, const struct wanted_ports *wanted,
                       struct error *error)
{
    struct link_rules rules = supervisor->rules;
    size_t bytes = wanted->count * sizeof(*wanted->ports);
    if (rules.port_count == wanted->count && memcmp(rules.ports, wanted->ports, bytes) == 0)
        return true;
    memcpy(rules.ports, wanted->ports, bytes);
    rules.port_count = wanted->count;
    if (!link_rules_load_filter(&rules, error))
        return false;
    supervisor->rules = rules;
    return true;
}

/* Close the listeners of all other ports. */
static void close_ports(struct supervisor *supervisor, const struct wanted_ports *wanted)
{
    uint16_t gone[WALL_LISTENERS_MAX];
    size_t gone_count =
        wall_sockets_remove(&supervisor->sockets, wanted->ports, wanted->count, gone);
    supervisor_begin_talk(supervisor, ROLE_MESSAGE_SEND_MS);
    for (size_t i = 0; i < gone_count && supervisor->proxy.process; i++) {
        struct error ignored;
        /* One that takes no messages is replaced. */
        if (!supervisor_tell_proxy(supervisor, ROLE_MESSAGE_LISTENER_GONE, gone[i], -1, &ignored)) {
            kill(supervisor->proxy.process, SIGKILL);
            return;
        }
    }
}

/*
 * The policy is stored already: from here on the supervisor has it, and a proxy that does not
 * confirm it is replaced by one that starts with it.
 */
static void tell_proxy(struct supervisor *supervisor, size_t first_new_listener)
{
    struct error error;
    if (supervisor->proxy.process == 0)
        return;
    supervisor_begin_talk(supervisor, POLICY_RELOAD_TALK_MS);
    if (!supervisor_send_listeners(supervisor, first_new_listener, &error) ||
        !supervisor_send_policy(supervisor, &error) ||
        !supervisor_await_policy(supervisor, supervisor->epoch)) {
        if (supervisor->proxy.process)
            kill(supervisor->proxy.process, SIGKILL);
    }
}

static void append_rules(struct buffer *text, const char *verb, char **rules, size_t count)
{
    /* The record is cut at its limit anyway. */
    for (size_t i = 0; i < count && buffer_length(text) < AUDIT_DETAIL_MAX; i++)
        if (!buffer_append_format(text, "; %s %s", verb, rules[i]))
            return;
}

static void record_change(struct supervisor *supervisor, const struct policy_difference *difference)
{
    struct buffer text;
    buffer_init(&text, 4 * AUDIT_DETAIL_MAX);
    bool is_good = buffer_append_format(&text, "policy %llu: %zu rules, %zu added, %zu removed",
                                        (unsigned long long)supervisor->epoch,
                                        policy_rule_count(supervisor->policy),
                                        difference->added_count, difference->removed_count);
    append_rules(&text, "added", difference->added, difference->added_count);
    append_rules(&text, "removed", difference->removed, difference->removed_count);
    if (is_good && buffer_append_byte(&text, '\0'))
        supervisor_record(supervisor, AUDIT_POLICY, AUDIT_INFO, "policy in force",
                          (const char *)buffer_bytes(&text).data);
    else
        supervisor_record(supervisor, AUDIT_POLICY, AUDIT_INFO, "policy in force", "");
    buffer_done(&text);
}

/* What can fail comes first, and is taken back when something after it fails. */
static bool prepare(struct supervisor *supervisor, const struct wanted_ports *wanted,
                    struct bytes to_store, struct error *error)
{
    const struct wanted_ports before = ports_of(&supervisor->rules);
    const struct options *options = supervisor->options;
    if (!wall_sockets_add(&supervisor->sockets, options->agent_interface, wanted->ports,
                          wanted->count, error))
        return false;
    if (open_ports(supervisor, wanted, error)) {
        if (to_store.length == 0 || policy_folder_write(options->policy_folder, to_store, error))
            return true;
        struct error ignored;
        open_ports(supervisor, &before, &ignored);
    }
    close_ports(supervisor, &before);
    return false;
}

/* `bundle` and `policy` are the supervisor's from here on. */
static void put_in_force(struct supervisor *supervisor, struct buffer *bundle,
                         struct policy *policy, size_t first_new_listener,
                         struct control_policy_answer *answer)
{
    struct policy *policy_before = supervisor->policy;
    const struct wanted_ports ports = ports_of(&supervisor->rules);
    buffer_done(&supervisor->bundle);
    supervisor->bundle = *bundle;
    buffer_init(bundle, 0);
    supervisor->policy = policy;
    supervisor->epoch++;
    tell_proxy(supervisor, first_new_listener);
    close_ports(supervisor, &ports);

    struct policy_difference difference;
    policy_difference_init(&difference, policy_before, policy);
    record_change(supervisor, &difference);
    *answer = (struct control_policy_answer){
        .epoch = supervisor->epoch,
        .added = difference.added,
        .added_count = difference.added_count,
        .removed = difference.removed,
        .removed_count = difference.removed_count,
    };
    policy_free(policy_before);
    /* A large policy that went leaves nothing behind. */
    malloc_trim(0);
}

enum policy_origin { POLICY_FROM_FOLDER, POLICY_TO_STORE };

static bool reload(struct supervisor *supervisor, struct buffer *bundle, enum policy_origin origin,
                   struct control_policy_answer *answer, struct error *error)
{
    int64_t start_ms = wall_clock_monotonic_ms();
    struct policy *policy = NULL;
    if (!policy_bundle_compile(buffer_bytes(bundle), &policy, error))
        return false;
    struct wanted_ports wanted;
    wanted.count = wall_sockets_ports(policy, wanted.ports);
    size_t first_new_listener = supervisor->sockets.listener_count;
    struct bytes to_store = origin == POLICY_TO_STORE ? buffer_bytes(bundle) : BYTES_EMPTY;
    if (!prepare(supervisor, &wanted, to_store, error)) {
        policy_free(policy);
        return false;
    }
    put_in_force(supervisor, bundle, policy, first_new_listener, answer);
    answer->duration_ms = (uint64_t)(wall_clock_monotonic_ms() - start_ms);
    return true;
}

bool policy_reload_folder(struct supervisor *supervisor, struct control_policy_answer *answer,
                          struct error *error)
{
    struct buffer bundle;
    buffer_init(&bundle, POLICY_BUNDLE_BYTES_MAX);
    bool is_good = policy_folder_read(supervisor->options->policy_folder, &bundle, error) &&
                   reload(supervisor, &bundle, POLICY_FROM_FOLDER, answer, error);
    buffer_done(&bundle);
    if (!is_good)
        supervisor_record(supervisor, AUDIT_POLICY, AUDIT_DENY, "policy refused", error->text);
    return is_good;
}

bool policy_reload_bundle(struct supervisor *supervisor, struct bytes text,
                          struct control_policy_answer *answer, struct error *error)
{
    struct buffer bundle;
    buffer_init(&bundle, POLICY_BUNDLE_BYTES_MAX);
    bool is_good = buffer_append(&bundle, text) || error_set(error, "the policy is too long");
    is_good = is_good && reload(supervisor, &bundle, POLICY_TO_STORE, answer, error);
    buffer_done(&bundle);
    if (!is_good)
        supervisor_record(supervisor, AUDIT_POLICY, AUDIT_DENY, "policy refused", error->text);
    return is_good;
}
