#include "spy/screen_detail_parts.h"

#include "spy/screen_format.h"

static void add_body(const struct screen_detail *detail, struct screen_sections *sections,
                     enum llm_side side)
{
    const struct llm_call *call = detail->call;
    bool is_request = side == LLM_SIDE_REQUEST;
    struct bytes body = llm_text_bytes(is_request ? &call->request_body : &call->response_body);
    uint64_t size = is_request ? call->request_bytes : call->response_bytes;
    struct screen_section *section = screen_sections_add(
        sections, is_request ? SCREEN_DETAIL_KEY_REQUEST_BODY : SCREEN_DETAIL_KEY_RESPONSE_BODY, 0,
        SCREEN_OPEN);
    char text[SCREEN_FORMAT_SIZE];
    screen_section_title(section, SCREEN_HEADING, "%s body", is_request ? "request" : "response");
    if (body.length > 0)
        screen_section_note(section, "%s", screen_format_bytes(body.length, text));
    else if (size > 0)
        screen_section_note(section, "%s, not captured: start with --raw",
                            screen_format_bytes(size, text));
    else
        screen_section_note(section, "none");
    /* Pieces are only ever added. */
    section->is_growing = true;
    screen_detail_text(detail, section, SCREEN_FORM_TEXT, body, (uint64_t)side);
}

void screen_detail_make_raw(struct screen_detail *detail, struct screen_sections *sections)
{
    screen_detail_add_headers(detail, sections, LLM_SIDE_REQUEST, SCREEN_OPEN);
    add_body(detail, sections, LLM_SIDE_REQUEST);
    screen_detail_add_headers(detail, sections, LLM_SIDE_RESPONSE, SCREEN_OPEN);
    add_body(detail, sections, LLM_SIDE_RESPONSE);
}
