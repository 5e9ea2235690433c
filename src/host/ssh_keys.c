#include "host/ssh_keys.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "system/child.h"
#include "system/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { KEY_CAP = 16 * 1024 };

/* Made beside, then renamed: the private key's name appears last, so a pair is whole or absent. */
static bool ensure_pair(const char *folder, const char *name, struct error *error)
{
    CLEANUP_FREE char *private_path = memory_format("%s/%s", folder, name);
    CLEANUP_FREE char *public_path = memory_format("%s/%s.pub", folder, name);
    if (file_size(private_path) > 0 && file_size(public_path) > 0)
        return true;
    CLEANUP_FREE char *new_private = memory_format("%s/%s.making", folder, name);
    CLEANUP_FREE char *new_public = memory_format("%s/%s.making.pub", folder, name);
    unlink(new_private);
    unlink(new_public);
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    argument_list_add_all(&arguments, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", NULL);
    argument_list_add_format(&arguments, "rootcell-%s", name);
    argument_list_add_all(&arguments, "-f", new_private, NULL);
    if (!child_run_quietly(&arguments, NULL, error))
        return error_add_context(error, "make SSH key %s", name);
    if (rename(new_public, public_path) != 0 || rename(new_private, private_path) != 0)
        return error_set_errno(error, errno, "%s", private_path);
    return true;
}

/* `ALIAS TYPE KEY` of a public key file without its comment. */
static bool append_known_host(struct buffer *text, const char *folder, const char *name,
                              const char *alias, struct error *error)
{
    CLEANUP_FREE char *path = memory_format("%s/%s.pub", folder, name);
    struct buffer key;
    struct bytes rest, kind, value;
    buffer_init(&key, KEY_CAP);
    bool is_read = file_read(path, &key, error);
    rest = buffer_bytes(&key);
    if (is_read && (!bytes_next_token(&rest, ' ', &kind) || !bytes_next_token(&rest, ' ', &value)))
        is_read = error_set(error, "%s: not a public key", path);
    if (is_read &&
        !buffer_append_format(text, "%s %.*s %.*s\n", alias, (int)kind.length,
                              (const char *)kind.data, (int)value.length, (const char *)value.data))
        is_read = error_set(error, "%s: too long", path);
    buffer_done(&key);
    return is_read;
}

bool ssh_keys_ensure(const char *folder, const char *firewall_alias, const char *agent_alias,
                     struct error *error)
{
    CLEANUP_FREE char *known_hosts = memory_format("%s/known_hosts", folder);
    struct buffer text;
    buffer_init(&text, KEY_CAP);
    bool is_done = ensure_pair(folder, "control", error) &&
                   ensure_pair(folder, "firewall_host", error) &&
                   ensure_pair(folder, "agent_host", error) &&
                   append_known_host(&text, folder, "firewall_host", firewall_alias, error) &&
                   append_known_host(&text, folder, "agent_host", agent_alias, error) &&
                   file_update_atomic(known_hosts, buffer_bytes(&text), 0600, error);
    buffer_done(&text);
    return is_done;
}
