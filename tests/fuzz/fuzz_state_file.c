#include "fuzz.h"

#include "base/check.h"
#include "record/state_file.h"

#include <string.h>

/* What is read can be written, and reads as the same again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct state_file state, again;
    struct error error;
    struct buffer text;
    if (!state_file_parse((struct bytes){data, size}, &state, &error))
        return 0;
    buffer_init(&text, STATE_FILE_BYTES_LIMIT);
    CHECK(state_file_encode(&state, &text, &error));
    CHECK(state_file_parse(buffer_bytes(&text), &again, &error));
    CHECK(again.agent_ip == state.agent_ip && again.prefix == state.prefix);
    CHECK(strcmp(again.runtime, state.runtime) == 0 && strcmp(again.image, state.image) == 0);
    buffer_done(&text);
    return 0;
}
