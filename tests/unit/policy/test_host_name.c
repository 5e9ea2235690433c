#include "test.h"

#include "policy/host_name.h"

#define LABEL_63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define NAME_251 LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63

struct row {
    struct bytes text;
    enum host_name_problem problem;
};

static void refuses_what_is_no_name(void **state)
{
    static const struct row rows[] = {
        {{(const uint8_t *)"", 0}, HOST_NAME_EMPTY},
        {{NULL, 0}, HOST_NAME_EMPTY},
        {BYTES_LITERAL("a.b\0.c"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("a,b.c"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("a.b:443"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("a b.c"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("a%2e.c"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("*.c"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("u@b.c"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("a.b\n"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("a.b\r\n"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("a.b/"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("a.b\\"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("[::1]"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("b\xc3\xbc"
                       "cher.de"),
         HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("a\x7f.c"), HOST_NAME_BAD_BYTE},
        {BYTES_LITERAL("."), HOST_NAME_EMPTY_LABEL},
        {BYTES_LITERAL("a."), HOST_NAME_EMPTY_LABEL},
        {BYTES_LITERAL(".a"), HOST_NAME_EMPTY_LABEL},
        {BYTES_LITERAL("a..b"), HOST_NAME_EMPTY_LABEL},
        {BYTES_LITERAL("a.b.."), HOST_NAME_EMPTY_LABEL},
        {BYTES_LITERAL("-a.b"), HOST_NAME_HYPHEN},
        {BYTES_LITERAL("a-.b"), HOST_NAME_HYPHEN},
        {BYTES_LITERAL("-"), HOST_NAME_HYPHEN},
        {BYTES_LITERAL(LABEL_63 "x.b"), HOST_NAME_LONG_LABEL},
        {BYTES_LITERAL(NAME_251), HOST_NAME_TOO_LONG},
        {BYTES_LITERAL("127.0.0.1"), HOST_NAME_ADDRESS},
        {BYTES_LITERAL("a.1"), HOST_NAME_ADDRESS},
        {BYTES_LITERAL("2130706433"), HOST_NAME_ADDRESS},
        {BYTES_LITERAL("0x7f000001"), HOST_NAME_ADDRESS},
        {BYTES_LITERAL("127.0.0.0X1"), HOST_NAME_ADDRESS},
        {BYTES_LITERAL("1.0x"), HOST_NAME_ADDRESS},
        {BYTES_LITERAL("0177.1"), HOST_NAME_ADDRESS},
        {BYTES_LITERAL("xn--.com"), HOST_NAME_HYPHEN},
        {BYTES_LITERAL("xn--a.com"), HOST_NAME_BAD_ALABEL},
        {BYTES_LITERAL("xn--99999999.com"), HOST_NAME_BAD_ALABEL},
        {BYTES_LITERAL("xn--a_b.com"), HOST_NAME_BAD_ALABEL},
        {BYTES_LITERAL("XN--A.com"), HOST_NAME_BAD_ALABEL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct host_name name = {.length = 77};
        enum host_name_problem problem = host_name_parse(rows[i].text, &name);
        if (problem != rows[i].problem)
            fail_msg("row %zu: %s", i, host_name_problem_text(problem));
        assert_int_equal(name.length, 77);
    }
}

static void makes_one_form_of_all_spellings(void **state)
{
    static const char *const rows[][2] = {
        {"api.github.com", "api.github.com"},
        {"API.GitHub.COM", "api.github.com"},
        {"localhost", "localhost"},
        {"a", "a"},
        {"3com.com", "3com.com"},
        {"1.2.3.4.com", "1.2.3.4.com"},
        {"r3---sn-4g5e.example.com", "r3---sn-4g5e.example.com"},
        {"xn--bcher-kva.de", "xn--bcher-kva.de"},
        {"XN--Bcher-KVA.de", "xn--bcher-kva.de"},
        {"xn--p1ai.example", "xn--p1ai.example"},
        {"a.xn--p1ai", "a.xn--p1ai"},
        {"xn--ihqwcrb4cv8a8dqg056pqjye.example", "xn--ihqwcrb4cv8a8dqg056pqjye.example"},
        {"a.0xg", "a.0xg"},
        {"a.x0", "a.x0"},
        {LABEL_63 ".b", LABEL_63 ".b"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct host_name name;
        assert_int_equal(host_name_parse(bytes_from_text(rows[i][0]), &name), HOST_NAME_FINE);
        assert_string_equal(name.text, rows[i][1]);
        assert_int_equal(name.length, strlen(rows[i][1]));
        assert_false(name.has_underscore);
    }
}

static void notes_an_underscore(void **state)
{
    struct host_name name;
    assert_int_equal(host_name_parse(BYTES_LITERAL("_dmarc.Example.com"), &name), HOST_NAME_FINE);
    assert_true(name.has_underscore);
}

static void takes_a_name_of_253_bytes_and_not_of_254(void **state)
{
    char text[254];
    struct host_name name;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 2 ? '.' : 'a';
    assert_int_equal(host_name_parse((struct bytes){(uint8_t *)text, 253}, &name), HOST_NAME_FINE);
    assert_int_equal(name.length, 253);
    assert_int_equal(host_name_parse((struct bytes){(uint8_t *)text, 254}, &name),
                     HOST_NAME_TOO_LONG);
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_no_name),
          cmocka_unit_test(makes_one_form_of_all_spellings), cmocka_unit_test(notes_an_underscore),
          cmocka_unit_test(takes_a_name_of_253_bytes_and_not_of_254))
