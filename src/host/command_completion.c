#include "host/command.h"
#include "host/completion.h"
#include "host/help.h"

#include <stdio.h>

int command_completion(const struct invocation *invocation)
{
    struct buffer text;
    buffer_init(&text, HELP_BYTES_LIMIT);
    completion_append(&text, invocation->operands.texts[0]);
    struct bytes all = buffer_bytes(&text);
    bool is_written = fwrite(all.data, 1, all.length, stdout) == all.length && fflush(stdout) == 0;
    buffer_done(&text);
    return is_written ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}
