#include "host/command.h"
#include "host/help.h"
#include "host/message.h"

#include "base/printable.h"

#include <stdio.h>
#include <string.h>

static int print(const struct buffer *text)
{
    struct bytes all = buffer_bytes(text);
    bool is_written = fwrite(all.data, 1, all.length, stdout) == all.length && fflush(stdout) == 0;
    return is_written ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}

int command_help(const struct invocation *invocation)
{
    const char *name = invocation->operands.count > 0 ? invocation->operands.texts[0] : NULL;
    const struct command *command = name ? command_find(name) : NULL;
    if (name && command == NULL) {
        char shown[80];
        message_note("help: no command \"%s\"; see `rootcell help`",
                     printable_text(bytes_from_text(name), shown, sizeof(shown)));
        return EXIT_STATUS_USAGE;
    }
    struct buffer text;
    buffer_init(&text, HELP_BYTES_LIMIT);
    if (invocation_has(invocation, "manual"))
        help_append_manual(&text);
    else if (command)
        help_append_command(&text, command);
    else
        help_append_overview(&text);
    int status = print(&text);
    buffer_done(&text);
    return status;
}

int command_version(const struct invocation *invocation)
{
    return puts("rootcell " ROOTCELL_VERSION) < 0 ? EXIT_STATUS_FAILED : EXIT_STATUS_OK;
}
