#include "spy/spy_section_raw.h"

#include "llm/llm_json.h"

enum { INDENT = 3 };

static void add_raw_part(struct spy_paper *paper, const char *title, const struct llm_text *text)
{
    if (text->length == 0)
        return;
    spy_paper_set(paper, SPY_STYLE_NOTE, 0);
    spy_paper_add_format(paper, "-- %s", title);
    spy_paper_set(paper, SPY_STYLE_PLAIN, INDENT);
    spy_paper_add(paper, llm_text_bytes(text));
    spy_paper_end_line(paper);
}

/* One header a line. */
static void add_raw_headers(struct spy_paper *paper, const char *title, const struct llm_text *text)
{
    struct llm_json json;
    if (text->length == 0)
        return;
    spy_paper_set(paper, SPY_STYLE_NOTE, 0);
    spy_paper_add_format(paper, "-- %s", title);
    spy_paper_set(paper, SPY_STYLE_PLAIN, INDENT);
    llm_json_parse(&json, llm_text_bytes(text));
    struct llm_members members = llm_members_of(llm_json_root(&json));
    while (llm_members_next(&members)) {
        struct llm_members field = llm_members_of(members.value);
        if (llm_members_next(&field))
            spy_paper_add(paper, llm_value_text(field.value));
        if (llm_members_next(&field)) {
            spy_paper_add_text(paper, ": ");
            spy_paper_add(paper, llm_value_text(field.value));
        }
        spy_paper_end_line(paper);
    }
    llm_json_done(&json);
}

void spy_section_raw_add(struct spy_paper *paper, const struct llm_call *call)
{
    spy_paper_set(paper, SPY_STYLE_NOTE, 0);
    spy_paper_add_text(paper, "-- ");
    spy_paper_add(paper, llm_text_bytes(&call->method));
    spy_paper_add_text(paper, " ");
    spy_paper_add(paper, llm_text_bytes(&call->host));
    spy_paper_add(paper, llm_text_bytes(&call->path));
    spy_paper_end_line(paper);
    add_raw_headers(paper, "headers of the request", &call->request_headers);
    add_raw_part(paper, "body of the request", &call->request_body);
    add_raw_headers(paper, "headers of the response", &call->response_headers);
    add_raw_part(paper, "body of the response", &call->response_body);
}
