#include "host/provision.h"

#include "base/check.h"
#include "base/memory.h"
#include "host/message.h"
#include "host/ssh_session.h"
#include "system/child.h"
#include "system/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    TAR_CAP = 256 << 20,
    CERTIFICATE_CAP = 64 * 1024,
    DEPTH_LIMIT = 16,
    SIGNATURE_CAP = 4 << 20
};

/* Folders that the harness's files come from; NULL where there is none. */
struct sources {
    char *checkout, *instance; /* owned */
};

static void sources_init(struct sources *sources, const struct instance *instance)
{
    CLEANUP_FREE char *checkout = home_checkout(instance->home);
    sources->checkout = checkout ? memory_format("%s/pi/agent", checkout) : NULL;
    sources->instance = instance_path(instance, "pi/agent");
}

static void sources_done(struct sources *sources)
{
    free(sources->checkout);
    free(sources->instance);
}

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Path, size and time of every file below: enough to see a change without reading the files. */
static bool add_signature(struct buffer *out, const char *path, int depth)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return true;
    if (!S_ISDIR(status.st_mode))
        return buffer_append_format(out, "%s %lld %lld.%09ld\n", path, (long long)status.st_size,
                                    (long long)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    struct dirent **entries;
    int count = depth > 0 ? scandir(path, &entries, NULL, compare_entries) : -1;
    bool is_added = true;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (is_added && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            CLEANUP_FREE char *inner = memory_format("%s/%s", path, name);
            is_added = add_signature(out, inner, depth - 1);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return is_added;
}

static void compute_signature(const struct instance *instance, char text[STATE_FILE_ID_SIZE])
{
    struct sources sources;
    struct buffer all;
    sources_init(&sources, instance);
    buffer_init(&all, SIGNATURE_CAP);
    bool is_whole =
        buffer_append_format(&all, "1 %s\n", instance->settings.agent_packages) &&
        (sources.checkout == NULL || add_signature(&all, sources.checkout, DEPTH_LIMIT)) &&
        add_signature(&all, sources.instance, DEPTH_LIMIT);
    snprintf(text, STATE_FILE_ID_SIZE, "%016llx%s",
             (unsigned long long)bytes_hash(buffer_bytes(&all)), is_whole ? "" : "-cut");
    buffer_done(&all);
    sources_done(&sources);
}

bool provision_is_needed(const struct instance *instance)
{
    char signature[STATE_FILE_ID_SIZE];
    compute_signature(instance, signature);
    return strcmp(signature, instance->state.provisioned) != 0;
}

static bool is_newer(const char *a, const char *b)
{
    struct stat status_a, status_b;
    if (lstat(b, &status_b) != 0)
        return true;
    return lstat(a, &status_a) == 0 && (status_a.st_mtim.tv_sec > status_b.st_mtim.tv_sec ||
                                        (status_a.st_mtim.tv_sec == status_b.st_mtim.tv_sec &&
                                         status_a.st_mtim.tv_nsec > status_b.st_mtim.tv_nsec));
}

/* Merge `from` into the staging folder unless `other` has a newer file of that path. */
static bool stage(const char *from, const char *other, const char *to, int depth,
                  struct error *error)
{
    struct stat status;
    if (lstat(from, &status) != 0)
        return true;
    if (!S_ISDIR(status.st_mode)) {
        if (other && file_exists(other) && !is_newer(from, other))
            return true;
        unlink(to);
        return file_copy_tree(from, to, error);
    }
    struct dirent **entries;
    int count = depth > 0 ? scandir(from, &entries, NULL, compare_entries) : -1;
    if (count < 0)
        return error_set(error, "%s: cannot be read, or is nested too deeply", from);
    bool is_staged = file_make_directories(to, 0700, error);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (is_staged && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            CLEANUP_FREE char *inner_from = memory_format("%s/%s", from, name);
            CLEANUP_FREE char *inner_other = other ? memory_format("%s/%s", other, name) : NULL;
            CLEANUP_FREE char *inner_to = memory_format("%s/%s", to, name);
            is_staged = stage(inner_from, inner_other, inner_to, depth - 1, error);
        }
        free(entries[i]);
    }
    free(entries);
    return is_staged;
}

static bool send_staged(const struct instance *instance, const char *staging, struct error *error)
{
    struct buffer archive;
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    buffer_init(&archive, TAR_CAP);
    argument_list_add_all(&arguments, "tar", "-C", staging, "-cf", "-", ".", NULL);
    bool is_sent = child_run_quietly(&arguments, &archive, error);
    struct ssh_session_command command = {
        .role = VM_ROLE_AGENT,
        .command = "umask 022 && mkdir -p ~/.pi/agent && tar -C ~/.pi/agent --no-same-owner "
                   "--no-overwrite-dir --warning=no-timestamp -xf -",
        .input = buffer_bytes(&archive),
    };
    is_sent =
        is_sent && ssh_session_execute_well(instance, &command, "copy the harness's files", error);
    buffer_done(&archive);
    return is_sent;
}

static bool copy_harness(const struct instance *instance, struct error *error)
{
    struct sources sources;
    sources_init(&sources, instance);
    bool has_checkout = sources.checkout && file_is_directory(sources.checkout);
    bool has_instance = file_is_directory(sources.instance);
    CLEANUP_FREE char *staging = instance_vm_path(instance, VM_ROLE_AGENT, "staging");
    struct error ignored;
    bool is_copied = true;
    if (has_checkout || has_instance) {
        is_copied = file_remove_tree(staging, error) &&
                    (!has_checkout ||
                     stage(sources.checkout, sources.instance, staging, DEPTH_LIMIT, error)) &&
                    (!has_instance ||
                     stage(sources.instance, sources.checkout, staging, DEPTH_LIMIT, error)) &&
                    send_staged(instance, staging, error);
        file_remove_tree(staging, &ignored);
    }
    sources_done(&sources);
    return is_copied;
}

/*
 * The CA as a local certificate of the system, and SSH's folder closed to others: the boot does the
 * same, and this mends what has been broken since.
 */
static bool mend_trust(const struct instance *instance, struct error *error)
{
    CLEANUP_FREE char *path = instance_path(instance, "pki/ca.pem");
    struct buffer certificate;
    buffer_init(&certificate, CERTIFICATE_CAP);
    bool is_mended = file_read(path, &certificate, error);
    struct ssh_session_command command = {
        .role = VM_ROLE_AGENT,
        .command = "mkdir -p ~/.ssh && chmod 700 ~/.ssh && sudo -n sh -c '"
                   "set -e; cd /usr/local/share/ca-certificates; cat >rootcell.crt.new; "
                   "if cmp -s rootcell.crt rootcell.crt.new && [ -e /etc/ssl/certs/rootcell.pem ] "
                   "&& grep -qF \"$(sed -n 2p rootcell.crt)\" /etc/ssl/certs/ca-certificates.crt; "
                   "then rm rootcell.crt.new; else mv rootcell.crt.new rootcell.crt; "
                   "chmod 644 rootcell.crt; update-ca-certificates >/dev/null; fi'",
        .input = buffer_bytes(&certificate),
    };
    is_mended = is_mended && ssh_session_execute_well(instance, &command, "set up trust", error);
    buffer_done(&certificate);
    return is_mended;
}

/* Names were checked when they were read: a-z, 0-9, + - and dots. */
static bool install_packages(const struct instance *instance, struct error *error)
{
    const char *packages = instance->settings.agent_packages;
    if (*packages == '\0')
        return true;
    message_note("packages in the agent VM: %s", packages);
    CLEANUP_FREE char *script = memory_format(
        "set -e; missing=; for name in %s; do "
        "dpkg-query -W -f='${Status}' \"$name\" 2>/dev/null | grep -q 'ok installed' || "
        "missing=\"$missing $name\"; done; [ -z \"$missing\" ] && exit 0; "
        "sudo -n apt-get -q update && "
        "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get -q install -y $missing",
        packages);
    struct ssh_session_command command = {.role = VM_ROLE_AGENT, .command = script};
    return ssh_session_execute_well(instance, &command, "install the packages", error);
}

/* What entering brings there when it has changed. */
static bool bring(struct instance *instance, struct error *error)
{
    char signature[STATE_FILE_ID_SIZE];
    compute_signature(instance, signature);
    struct error packages_error;
    bool is_copied = copy_harness(instance, error);
    bool is_installed = install_packages(instance, &packages_error);
    /* Noted even when a part failed: entering shall not try it again each time. */
    snprintf(instance->state.provisioned, sizeof(instance->state.provisioned), "%s", signature);
    struct error save_error;
    if (!instance_save_state(instance, &save_error)) {
        *error = save_error;
        return false;
    }
    if (is_copied && !is_installed)
        *error = packages_error;
    return is_copied && is_installed;
}

bool provision_run(struct instance *instance, struct error *error)
{
    return mend_trust(instance, error) && bring(instance, error);
}

bool provision_if_needed(struct instance *instance, struct error *error)
{
    struct error why;
    if (!provision_is_needed(instance) || bring(instance, &why))
        return true;
    char signature[STATE_FILE_ID_SIZE];
    compute_signature(instance, signature);
    message_note("%s; `rootcell provision` tries again", why.text);
    if (strcmp(signature, instance->state.provisioned) == 0)
        return true;
    *error = why;
    return false;
}
