#include "test.h"

#include "firewall/protocol_memory.h"

#include <stdio.h>

static struct host_name name_of(const char *text)
{
    struct host_name name;
    assert_int_equal(host_name_parse(bytes_from_text(text), &name), HOST_NAME_FINE);
    return name;
}

static void knows_nothing_of_another_name_or_port(void **state)
{
    struct protocol_memory *memory = protocol_memory_new();
    struct host_name name = name_of("api.example.com");
    struct host_name other = name_of("other.example.com");
    assert_int_equal(protocol_memory_find(memory, &name, 443, 0), PROTOCOL_UNKNOWN);
    protocol_memory_note(memory, &name, 443, PROTOCOL_ONLY_2, 0);
    assert_int_equal(protocol_memory_find(memory, &other, 443, 1), PROTOCOL_UNKNOWN);
    assert_int_equal(protocol_memory_find(memory, &name, 8443, 1), PROTOCOL_UNKNOWN);
    assert_int_equal(protocol_memory_find(memory, &name, 443, 1), PROTOCOL_ONLY_2);
    protocol_memory_free(memory);
}

static void forgets_after_ten_minutes(void **state)
{
    struct protocol_memory *memory = protocol_memory_new();
    struct host_name name = name_of("api.example.com");
    protocol_memory_note(memory, &name, 443, PROTOCOL_ONLY_1, 1000);
    assert_int_equal(protocol_memory_find(memory, &name, 443, 1000 + PROTOCOL_MEMORY_KEPT_MS - 1),
                     PROTOCOL_ONLY_1);
    assert_int_equal(protocol_memory_find(memory, &name, 443, 1000 + PROTOCOL_MEMORY_KEPT_MS),
                     PROTOCOL_UNKNOWN);
    protocol_memory_free(memory);
}

static void takes_a_names_place_for_another_and_never_its_note(void **state)
{
    struct protocol_memory *memory = protocol_memory_new();
    for (int number = 0; number < 4 * PROTOCOL_MEMORY_SLOTS; number++) {
        char text[64];
        snprintf(text, sizeof(text), "n%d.example.com", number);
        struct host_name name = name_of(text);
        assert_int_equal(protocol_memory_find(memory, &name, 443, 0), PROTOCOL_UNKNOWN);
        protocol_memory_note(memory, &name, 443, PROTOCOL_ONLY_2, 0);
        assert_int_equal(protocol_memory_find(memory, &name, 443, 0), PROTOCOL_ONLY_2);
    }
    protocol_memory_free(memory);
}

RUN_TESTS(cmocka_unit_test(knows_nothing_of_another_name_or_port),
          cmocka_unit_test(forgets_after_ten_minutes),
          cmocka_unit_test(takes_a_names_place_for_another_and_never_its_note))
