#include "harness/fake_answers.h"

#include "base/check.h"
#include "wire/http1.h"

void fake_answers_check(const struct fake_agent *agent)
{
    struct bytes rest = buffer_bytes(&agent->peer->received);
    struct http_head request;
    struct http_head head;
    struct http_head trailers;
    size_t answered = 0;
    bool is_cut = false;
    http_head_init(&request, HTTP_REQUEST);
    http_head_init(&head, HTTP_RESPONSE);
    http_head_init(&trailers, HTTP_TRAILERS);
    while (rest.length > 0 && !is_cut) {
        struct http1_head_parser parser;
        size_t head_bytes = 0;
        CHECK(answered < agent->request_count);
        CHECK(http_head_set_method(&request,
                                   bytes_from_text(agent->is_head[answered] ? "HEAD" : "GET")) ==
              HTTP_HEAD_OK);
        request.upgrade = HTTP_UPGRADE_WEBSOCKET;
        http_head_clear(&head, HTTP_RESPONSE);
        http1_head_parser_start_response(&parser, &request);
        enum parse_status status = http1_head_parser_push(&parser, rest, &head, &head_bytes);
        CHECK(status != PARSE_BAD);
        is_cut = status == PARSE_NEED_MORE;
        if (is_cut)
            break;
        rest = bytes_from(rest, head_bytes);
        if (head.status == 101)
            break;
        if (head.status < 200)
            continue;
        struct http1_body body;
        struct bytes data;
        size_t consumed = 0;
        http1_body_start(&body, &parser, &trailers);
        do {
            status = http1_body_push(&body, rest, &consumed, &data);
            CHECK(status != PARSE_BAD);
            rest = bytes_from(rest, consumed);
        } while (status == PARSE_NEED_MORE && rest.length > 0);
        is_cut = status == PARSE_NEED_MORE && parser.framing != HTTP1_BODY_UNTIL_CLOSE;
        http1_body_done(&body);
        answered++;
    }
    /* Whoever stopped listening may have been told anything. */
    const struct fake_peer *peer = agent->peer;
    bool is_listening = peer->end == STREAM_WAIT && peer->is_finished;
    CHECK(!is_cut || !is_listening || peer->ending != STREAM_ENDING_CLEAN);
    http_head_done(&request);
    http_head_done(&head);
    http_head_done(&trailers);
}
