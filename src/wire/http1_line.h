#ifndef WIRE_HTTP1_LINE_H
#define WIRE_HTTP1_LINE_H

#include "wire/http1.h"

/** Lines of HTTP/1.1, as heads and trailers share them. */

/** True for a byte that no line of a head may hold: all control bytes but HTAB. */
static inline bool http1_line_is_control(uint8_t byte)
{
    return (byte < ' ' && byte != '\t') || byte == 0x7f;
}

/** Take a field line (without CRLF, not empty) apart; the value comes without white space. */
enum http1_reason http1_line_split_field(struct bytes line, struct bytes *name,
                                         struct bytes *value);

/** The reason that belongs to a refusal of http_head_add. */
enum http1_reason http1_line_head_reason(enum http_head_status status);

#endif
