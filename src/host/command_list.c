#include "host/command.h"

#include "base/number.h"
#include "base/printable.h"
#include "host/instance.h"
#include "host/message.h"

#include <stdio.h>
#include <string.h>

/* No VM is asked: a runner's process tells enough, and the answer comes at once. */
static const char *state_of(const struct instance *instance, enum vm_role role)
{
    return instance_vm_process(instance, role) != 0 ? "running" : "stopped";
}

static void print_text(const struct instance *instance)
{
    char agent_ip[16];
    number_format_ipv4(instance->state.agent_ip, agent_ip);
    printf("%-16s agent %-8s firewall %-8s %s\n", instance->name, state_of(instance, VM_ROLE_AGENT),
           state_of(instance, VM_ROLE_FIREWALL), agent_ip);
}

/* Names are a-z, 0-9 and -, addresses are ours: nothing needs escaping. */
static void print_json(const struct instance *instance, bool is_first)
{
    char agent_ip[16], firewall_ip[16];
    number_format_ipv4(instance->state.agent_ip, agent_ip);
    number_format_ipv4(instance->state.firewall_ip, firewall_ip);
    printf("%s\n  {\"name\":\"%s\",\"agent\":\"%s\",\"firewall\":\"%s\",\"agent_ip\":\"%s\","
           "\"firewall_ip\":\"%s\",\"prefix\":%u,\"ssh_port\":%u}",
           is_first ? "" : ",", instance->name, state_of(instance, VM_ROLE_AGENT),
           state_of(instance, VM_ROLE_FIREWALL), agent_ip, firewall_ip, instance->state.prefix,
           instance->state.ssh_port);
}

static void print_broken(const char *name, bool is_json, bool is_first)
{
    if (is_json)
        printf("%s\n  {\"name\":\"%s\",\"agent\":\"unknown\",\"firewall\":\"unknown\"}",
               is_first ? "" : ",", name);
    else
        printf("%-16s not whole: `rootcell -i %s` finishes it\n", name, name);
}

static void print_one(const struct home *home, const char *name, bool is_json, bool is_first)
{
    struct instance instance;
    struct error error;
    if (!instance_read(&instance, home, name, &error)) {
        print_broken(name, is_json, is_first);
        message_error(&error);
        return;
    }
    if (is_json)
        print_json(&instance, is_first);
    else
        print_text(&instance);
    instance_done(&instance);
}

int command_list(const struct invocation *invocation)
{
    struct home home;
    struct error error;
    size_t count;
    char **names = NULL;
    bool is_json = invocation_has(invocation, "json");
    if (home_find(&home, &error))
        names = instance_list_names(&home, &count, &error);
    if (names == NULL)
        return command_finish(false, "list", &error);
    if (is_json)
        printf("[");
    for (size_t i = 0; i < count; i++)
        print_one(&home, names[i], is_json, i == 0);
    if (is_json)
        printf("%s]\n", count > 0 ? "\n" : "");
    else if (count == 0)
        message_note("no instance yet: `rootcell` makes the default one");
    instance_list_free(names);
    home_done(&home);
    return EXIT_STATUS_OK;
}
