#include "host/boot_files.h"

#include "base/memory.h"
#include "host/policy_files.h"
#include "record/boot_config.h"
#include "record/cpio_archive.h"
#include "system/file.h"
#include "system/own_program.h"
#include "system/wall_clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INITRAMFS_CAP = 512 * 1024 * 1024,
    FILE_CAP = 16 * 1024 * 1024,
    CONTROL_ADDRESS = 0x0a00020f, /* 10.0.2.15, VM_CONTROL_ADDRESS */
    CONTROL_GATEWAY = 0x0a000202,
    CONTROL_DNS = 0x0a000203,
    CONTROL_PREFIX = 24
};

char *boot_files_find_upstream_ca(const struct settings *settings, struct error *error)
{
    if (*settings->upstream_ca) {
        if (file_size(settings->upstream_ca) > 0)
            return memory_copy_text(settings->upstream_ca);
        error_set(error, "ROOTCELL_UPSTREAM_CA: %s: no such file", settings->upstream_ca);
        return NULL;
    }
    const char *named = getenv("SSL_CERT_FILE");
    const char *const places[] = {
        named ? named : "",
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
        "/etc/ssl/ca-bundle.pem",             /* SUSE */
        "/etc/ssl/cert.pem",                  /* Alpine, macOS */
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (file_size(places[i]) > 0)
            return memory_copy_text(places[i]);
    }
    error_set(error, "find the host's CA certificates: none of the usual files is there; install "
                     "ca-certificates, or set ROOTCELL_UPSTREAM_CA in .env");
    return NULL;
}

static bool add_file(struct cpio_archive *archive, const char *from, const char *path,
                     uint32_t mode, struct error *error)
{
    struct buffer content;
    buffer_init(&content, FILE_CAP);
    bool is_added = file_read(from, &content, error) &&
                    (cpio_archive_add_file(archive, path, mode, buffer_bytes(&content)) ||
                     error_set(error, "%s: does not fit", from));
    buffer_done_secret(&content);
    return is_added;
}

static bool add_instance_file(struct cpio_archive *archive, const struct instance *instance,
                              const char *below, const char *path, uint32_t mode,
                              struct error *error)
{
    CLEANUP_FREE char *from = instance_path(instance, below);
    return add_file(archive, from, path, mode, error);
}

static void set_link(const struct instance *instance, enum vm_role role,
                     struct boot_interface *link)
{
    bool is_firewall = role == VM_ROLE_FIREWALL;
    vm_plan_mac(instance->folder, is_firewall ? VM_CARD_FIREWALL_LINK : VM_CARD_AGENT_LINK,
                link->mac);
    link->address = is_firewall ? instance->state.firewall_ip : instance->state.agent_ip;
    link->gateway = is_firewall ? instance->state.agent_ip : instance->state.firewall_ip;
    link->prefix = (uint8_t)instance->state.prefix;
}

static void set_control(const struct instance *instance, struct boot_config *config)
{
    vm_plan_mac(instance->folder, VM_CARD_FIREWALL_CONTROL, config->control.mac);
    config->control.address = CONTROL_ADDRESS;
    config->control.gateway = CONTROL_GATEWAY;
    config->control.prefix = CONTROL_PREFIX;
    config->upstream_dns =
        instance->settings.upstream_dns ? instance->settings.upstream_dns : CONTROL_DNS;
    config->upstream_dns_port = instance->settings.upstream_dns_port;
    config->is_recording = instance->settings.is_recording;
}

static bool add_config(struct cpio_archive *archive, const struct instance *instance,
                       enum vm_role role, const char *const *layers, size_t layer_count,
                       struct error *error)
{
    struct boot_config *config = memory_new(sizeof(*config));
    struct buffer text;
    CLEANUP_FREE char *hostname = instance_vm_name(instance, role);
    buffer_init(&text, BOOT_CONFIG_BYTES_LIMIT);
    config->role = role == VM_ROLE_FIREWALL ? BOOT_ROLE_FIREWALL : BOOT_ROLE_AGENT;
    snprintf(config->instance, sizeof(config->instance), "%s", instance->name);
    snprintf(config->hostname, sizeof(config->hostname), "%s", hostname);
    config->time_seconds = (uint64_t)(wall_clock_now_ms() / 1000);
    set_link(instance, role, &config->link);
    if (role == VM_ROLE_FIREWALL)
        set_control(instance, config);
    for (size_t i = 0; i < layer_count && i < BOOT_CONFIG_LAYER_LIMIT; i++)
        snprintf(config->layers[config->layer_count++], BOOT_CONFIG_NAME_SIZE, "%s", layers[i]);
    if (role == VM_ROLE_AGENT && *instance->settings.aws_region) {
        struct boot_variable *variable = &config->environment[config->variable_count++];
        snprintf(variable->name, sizeof(variable->name), "AWS_REGION");
        snprintf(variable->value, sizeof(variable->value), "%s", instance->settings.aws_region);
    }
    bool is_added =
        boot_config_encode(config, &text, error) &&
        (cpio_archive_add_file(archive, "rootcell/boot.json", 0600, buffer_bytes(&text)) ||
         error_set(error, "the boot configuration does not fit"));
    buffer_done(&text);
    free(config);
    return is_added;
}

static bool add_firewall_files(struct cpio_archive *archive, const struct instance *instance,
                               struct error *error)
{
    CLEANUP_FREE char *upstream = boot_files_find_upstream_ca(&instance->settings, error);
    CLEANUP_FREE char *folder = instance_path(instance, "proxy");
    struct policy_files policy;
    if (upstream == NULL || !policy_files_read(folder, &policy, error))
        return false;
    bool is_added = add_instance_file(archive, instance, "pki/ca-key.pem", "rootcell/ca-key.pem",
                                      0600, error) &&
                    add_instance_file(archive, instance, "ssh/firewall_host", "rootcell/host_key",
                                      0600, error) &&
                    add_file(archive, upstream, "rootcell/upstream-ca.pem", 0644, error) &&
                    policy_files_archive(&policy, archive, "rootcell/policy", error);
    policy_files_done(&policy);
    return is_added;
}

/*
 * The init that was built with this program, in place of the image's: an instance keeps the image
 * that its disk was made on, and its helper for sessions must speak as we do.
 */
static bool add_own_init(struct cpio_archive *archive, struct error *error)
{
    CLEANUP_FREE char *programs = own_program_folder(error);
    if (programs == NULL)
        return false;
    CLEANUP_FREE char *beside = memory_format("%s/rootcell-init", programs);
    CLEANUP_FREE char *nested = memory_format("%s/src/init/rootcell-init", programs);
    const char *path = file_exists(beside) ? beside : nested;
    return !file_exists(path) || add_file(archive, path, "init", 0755, error);
}

static bool add_agent_files(struct cpio_archive *archive, const struct instance *instance,
                            struct error *error)
{
    return add_own_init(archive, error) &&
           add_instance_file(archive, instance, "ssh/agent_host", "rootcell/ssh_host_ed25519_key",
                             0600, error) &&
           add_instance_file(archive, instance, "ssh/agent_host.pub",
                             "rootcell/ssh_host_ed25519_key.pub", 0644, error);
}

bool boot_files_write(const struct instance *instance, enum vm_role role,
                      const char *image_initramfs, const char *const *layers, size_t layer_count,
                      const char *path, struct error *error)
{
    struct buffer out;
    struct cpio_archive archive;
    buffer_init(&out, INITRAMFS_CAP);
    bool is_written = file_read(image_initramfs, &out, error);
    if (is_written && buffer_length(&out) % 4 != 0)
        is_written = error_set(error, "%s: not padded to four bytes", image_initramfs);
    if (is_written) {
        cpio_archive_init(&archive, &out);
        is_written =
            (cpio_archive_add_directory(&archive, "rootcell", 0700) ||
             error_set(error, "%s: too large", image_initramfs)) &&
            add_config(&archive, instance, role, layers, layer_count, error) &&
            add_instance_file(&archive, instance, "pki/ca.pem", "rootcell/ca.pem", 0644, error) &&
            add_instance_file(&archive, instance, "ssh/control.pub", "rootcell/authorized_keys",
                              0644, error) &&
            (role == VM_ROLE_FIREWALL ? add_firewall_files(&archive, instance, error)
                                      : add_agent_files(&archive, instance, error)) &&
            (cpio_archive_finish(&archive) || error_set(error, "%s: too large", path)) &&
            file_write_atomic(path, buffer_bytes(&out), 0600, error);
    }
    buffer_done_secret(&out);
    return is_written || error_add_context(error, "boot files of the %s VM", vm_role_name(role));
}
