#ifndef TESTS_DECODE_LLM_FIXTURE_H
#define TESTS_DECODE_LLM_FIXTURE_H

#include "decode/capture.h"
#include "decode/llm_run.h"
#include "llm/llm_json.h"

#include <stdlib.h>

/* Exchanges of tests/captures/http: NAME.json tells the request and the response's head, NAME.body
 * is the response's body. */
enum { LLM_FIXTURE_FIELDS_MAX = 64 };

struct llm_fixture {
    struct buffer json, body, request;
    struct llm_json parsed;
    struct llm_field fields[LLM_FIXTURE_FIELDS_MAX], response_fields[LLM_FIXTURE_FIELDS_MAX];
    struct llm_run_exchange exchange;
};

static inline size_t llm_fixture_fields(struct llm_value list, struct llm_field *fields)
{
    size_t count = 0;
    struct llm_members members = llm_members_of(list);
    for (; llm_members_next(&members); count++) {
        struct llm_members pair = llm_members_of(members.value);
        CHECK(count < LLM_FIXTURE_FIELDS_MAX && llm_members_next(&pair));
        fields[count].name = llm_value_text(pair.value);
        CHECK(llm_members_next(&pair));
        fields[count].value = llm_value_text(pair.value);
    }
    return count;
}

static inline struct llm_fixture *llm_fixture_new(const char *name, enum llm_api api)
{
    struct llm_fixture *fixture = memory_new(sizeof(*fixture));
    CLEANUP_FREE char *json = memory_format("http/%s.json", name);
    CLEANUP_FREE char *body = memory_format("http/%s.body", name);
    fixture->json = capture_read(json);
    fixture->body = capture_read(body);
    CHECK(llm_json_parse(&fixture->parsed, buffer_bytes(&fixture->json)) == LLM_JSON_WHOLE);
    struct llm_value root = llm_json_root(&fixture->parsed);
    buffer_init(&fixture->request, CAPTURE_BYTES_MAX);
    CHECK(llm_value_compact(llm_value_get(root, "body"), &fixture->request));
    fixture->exchange = (struct llm_run_exchange){
        .api = api,
        .method = "POST",
        .host = BYTES_LITERAL("host.example"),
        .path = llm_value_get_text(root, "path"),
        .fields = fixture->fields,
        .field_count = llm_fixture_fields(llm_value_get(root, "fields"), fixture->fields),
        .response_fields = fixture->response_fields,
        .response_field_count =
            llm_fixture_fields(llm_value_get(root, "response_fields"), fixture->response_fields),
        .status = (uint16_t)llm_value_get_number(root, "status"),
        .request = buffer_bytes(&fixture->request),
        .response = buffer_bytes(&fixture->body),
    };
    return fixture;
}

static inline void llm_fixture_free(struct llm_fixture *fixture)
{
    llm_json_done(&fixture->parsed);
    buffer_done(&fixture->json);
    buffer_done(&fixture->body);
    buffer_done(&fixture->request);
    free(fixture);
}

#endif
