#include "fuzz.h"

#include "base/check.h"
#include "host/policy_edit.h"

enum { TEXT_CAP = 1 << 20 };

/* First line the rule, then the file: what was added is there, and can be taken away again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {data, size}, rule;
    struct buffer added, removed, again;
    bool is_changed;
    bytes_next_token(&text, '\n', &rule);
    rule = bytes_trim(rule);
    if (rule.length == 0 || rule.data[0] == '#' || rule.data[0] == '\r')
        return 0;
    buffer_init(&added, TEXT_CAP);
    buffer_init(&removed, TEXT_CAP);
    buffer_init(&again, TEXT_CAP);
    CHECK(policy_edit_add(text, rule, &added, &is_changed));
    CHECK(is_changed || bytes_equal(buffer_bytes(&added), text));
    CHECK(policy_edit_add(buffer_bytes(&added), rule, &again, &is_changed) && !is_changed);
    CHECK(policy_edit_remove(buffer_bytes(&added), rule, &removed, &is_changed) && is_changed);
    CHECK(buffer_length(&removed) < buffer_length(&added));
    buffer_clear(&again);
    CHECK(policy_edit_remove(buffer_bytes(&removed), rule, &again, &is_changed) && !is_changed);
    CHECK(bytes_equal(buffer_bytes(&again), buffer_bytes(&removed)));
    buffer_done(&added);
    buffer_done(&removed);
    buffer_done(&again);
    return 0;
}
