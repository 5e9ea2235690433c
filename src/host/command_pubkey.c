#include "host/command.h"

#include "base/printable.h"
#include "host/cell.h"
#include "host/locked_instance.h"
#include "host/ssh_session.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY_CAP = 16 * 1024 };

/* One line of a known kind: what comes from the guest is printed only when it is what it should. */
static bool print_key(struct bytes text, struct error *error)
{
    struct bytes line;
    bytes_next_token(&text, '\n', &line);
    if (!bytes_start_with(line, BYTES_LITERAL("ssh-rsa AAAA")) || line.length > 2000)
        return error_set(error, "the agent VM gives no RSA key");
    char shown[8200];
    printf("%s\n", printable_text(line, shown, sizeof(shown)));
    return fflush(stdout) == 0 || error_set(error, "standard output cannot be written");
}

static bool fetch_key(const struct instance *instance, struct error *error)
{
    /* The image's own helper: it waits for the one that makes the key after the first boot. */
    struct buffer output;
    buffer_init(&output, KEY_CAP);
    struct ssh_session_command command = {
        .role = VM_ROLE_AGENT,
        .command = "[ -s ~/.ssh/id_rsa.pub ] || echo 'rootcell: the VM makes its key (RSA, 4096 "
                   "bits): this can take a minute' >&2; exec sudo -n /usr/lib/rootcell/git-key",
        .output = &output,
    };
    bool is_done = ssh_session_execute_well(instance, &command, "make the key", error) &&
                   print_key(buffer_bytes(&output), error);
    buffer_done(&output);
    return is_done;
}

int command_pubkey(const struct invocation *invocation)
{
    struct locked_instance locked;
    struct error error;
    bool is_open =
        locked_instance_open(&locked, invocation->instance, LOCKED_INSTANCE_MAKE, &error);
    bool is_done = is_open && cell_ensure_running(&locked.instance, &error) &&
                   fetch_key(&locked.instance, &error);
    if (is_open)
        locked_instance_close(&locked);
    return command_finish(is_done, "pubkey", &error);
}
