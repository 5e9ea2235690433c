#include "host/instance_seed.h"

#include "base/memory.h"
#include "host/message.h"
#include "host/subnet.h"
#include "system/file.h"
#include "system/host_routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED_FILE_CAP = 1 << 20, FIREWALL_HOST = 2, AGENT_HOST = 3 };

static const char *const policy_files[] = {"allowed-https.txt", "allowed-ssh.txt",
                                           "allowed-dns.txt"};
enum { POLICY_FILE_COUNT = sizeof(policy_files) / sizeof(policy_files[0]) };

static bool copy_if_missing(const char *from, const char *to, mode_t mode, bool *is_copied,
                            struct error *error)
{
    if (!file_exists(from) || file_exists(to))
        return true;
    *is_copied = true;
    return file_copy(from, to, mode, error);
}

bool instance_seed_old_layout(const struct instance *instance, struct error *error)
{
    CLEANUP_FREE char *checkout = home_checkout(instance->home);
    if (checkout == NULL || strcmp(instance->name, INSTANCE_NAME_DEFAULT) != 0)
        return true;
    static const char *const files[] = {".env", "secrets.env", "proxy/allowed-https.txt",
                                        "proxy/allowed-ssh.txt", "proxy/allowed-dns.txt"};
    static const char *const folders[] = {"pi/agent", "pki"};
    bool is_copied = false;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        CLEANUP_FREE char *from = memory_format("%s/%s", checkout, files[i]);
        CLEANUP_FREE char *to = instance_path(instance, files[i]);
        if (!copy_if_missing(from, to, 0600, &is_copied, error))
            return false;
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        CLEANUP_FREE char *from = memory_format("%s/%s", checkout, folders[i]);
        CLEANUP_FREE char *to = instance_path(instance, folders[i]);
        if (!file_is_directory(from))
            continue;
        is_copied = true;
        if (!file_make_directories(to, 0700, error) || !file_copy_tree(from, to, error))
            return false;
    }
    if (is_copied)
        message_note("copied the settings of the checkout's earlier layout into %s",
                     instance->folder);
    return true;
}

static bool seed_settings(const struct instance *instance, struct error *error)
{
    CLEANUP_FREE char *path = instance_path(instance, ".env");
    if (file_exists(path))
        return true;
    struct buffer text;
    buffer_init(&text, SEED_FILE_CAP);
    bool is_made =
        buffer_append_text(&text, "# Settings of this instance, NAME=VALUE. Those below are not\n"
                                  "# set: the program's own defaults hold. See rootcell-env(5).\n");
    for (size_t i = 0; is_made && settings_name(i); i++)
        is_made = buffer_append_format(&text, "#%s=\n", settings_name(i));
    is_made = is_made ? file_write_atomic(path, buffer_bytes(&text), 0600, error)
                      : error_set(error, "%s: too long", path);
    buffer_done(&text);
    return is_made;
}

/*
 * The defaults name these groups; what is in them comes with the image, which may not be there
 * yet. An empty group allows nothing.
 */
static bool seed_groups(const struct instance *instance, struct error *error)
{
    static const char *const groups[] = {"npm", "debian"};
    CLEANUP_FREE char *folder = instance_path(instance, "proxy/groups");
    if (!file_make_directories(folder, 0700, error))
        return false;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        CLEANUP_FREE char *path = memory_format("%s/%s.txt", folder, groups[i]);
        if (!file_exists(path) &&
            !file_write_atomic(path, BYTES_LITERAL("# Filled in from the image.\n"), 0600, error))
            return false;
    }
    return true;
}

bool instance_seed_files(const struct instance *instance, struct error *error)
{
    for (size_t i = 0; i < POLICY_FILE_COUNT; i++) {
        CLEANUP_FREE char *from =
            memory_format("%s/policy/%s.defaults", instance->home->data, policy_files[i]);
        CLEANUP_FREE char *below = memory_format("proxy/%s", policy_files[i]);
        CLEANUP_FREE char *to = instance_path(instance, below);
        if (!file_exists(to) && !file_copy(from, to, 0600, error))
            return error_add_context(error, "seed the policy");
    }
    return seed_groups(instance, error) && seed_settings(instance, error);
}

static void add_route(void *context, uint32_t network, uint32_t prefix)
{
    subnet_list_add(context, (struct subnet){network, prefix});
}

/* The networks that other instances have written down; one that cannot be read takes nothing. */
static bool add_instances(const struct instance *instance, struct subnet_list *taken,
                          struct error *error)
{
    size_t count;
    char **names = instance_list_names(instance->home, &count, error);
    if (names == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct instance other;
        struct error ignored;
        if (strcmp(names[i], instance->name) == 0 ||
            !instance_read(&other, instance->home, names[i], &ignored))
            continue;
        uint32_t mask = (uint32_t)(0xffffffffULL << (32 - other.state.prefix));
        subnet_list_add(taken, (struct subnet){other.state.firewall_ip & mask, other.state.prefix});
        instance_done(&other);
    }
    instance_list_free(names);
    return true;
}

static bool choose_addresses(struct instance *instance, struct error *error)
{
    const struct settings *settings = &instance->settings;
    struct state_file *state = &instance->state;
    if (settings->firewall_ip != 0) {
        state->firewall_ip = settings->firewall_ip;
        state->agent_ip = settings->agent_ip;
        state->prefix = settings->network_prefix;
        return true;
    }
    struct subnet_list taken = {0};
    struct subnet chosen;
    bool is_chosen =
        add_instances(instance, &taken, error) && host_routes_read(add_route, &taken, error) &&
        subnet_choose(settings->pool_start, settings->pool_end, &taken, &chosen, error);
    subnet_list_done(&taken);
    if (!is_chosen)
        return false;
    state->prefix = chosen.prefix;
    state->firewall_ip = chosen.network + FIREWALL_HOST;
    state->agent_ip = chosen.network + AGENT_HOST;
    return true;
}

bool instance_seed_state(struct instance *instance, struct error *error)
{
    CLEANUP_FREE char *locks = memory_format("%s/locks", instance->home->folder);
    CLEANUP_FREE char *path = memory_format("%s/addresses", locks);
    struct file_lock lock = FILE_LOCK_NONE;
    instance->state = (struct state_file){0};
    bool is_done = file_make_directories(locks, 0700, error) &&
                   file_lock_take(&lock, path, NULL, NULL, error) &&
                   choose_addresses(instance, error) && instance_save_state(instance, error);
    file_lock_release(&lock);
    return is_done;
}
