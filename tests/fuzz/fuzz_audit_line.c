#include "fuzz.h"

#include "base/check.h"
#include "base/printable.h"
#include "host/audit_line.h"

enum { LINE_MAX_BYTES = 16 * 1024 };

/* Whatever the firewall VM wrote: what reaches the terminal is printable text in whole lines. */
static void show(struct bytes line, bool is_denied_only, bool is_json)
{
    struct audit_line_view view = {
        .instance_name = "work", .is_denied_only = is_denied_only, .is_json = is_json};
    struct buffer out;
    buffer_init(&out, LINE_MAX_BYTES * 10 + 4096);
    audit_line_append(&out, line, &view);
    struct bytes shown = buffer_bytes(&out);
    CHECK(shown.length == 0 || shown.data[shown.length - 1] == '\n');
    for (size_t i = 0; i < shown.length; i++) {
        CHECK(shown.data[i] == '\n' || shown.data[i] >= 0x20);
        CHECK(shown.data[i] != 0x7f);
        CHECK(!is_json || shown.data[i] < 0x80);
    }
    buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes line = bytes_first((struct bytes){data, size}, LINE_MAX_BYTES);
    show(line, false, false);
    show(line, true, false);
    show(line, false, true);
    return 0;
}
