#ifndef WIRE_HTTP1_LINE_H
#define WIRE_HTTP1_LINE_H

#include "wire/http1.h"

/** Lines of HTTP/1.1, as heads and trailers share them. */

/**
 * Look at one byte inside a line. HTTP1_FINE for what may stand in some line; the caller deals
 * with CR and LF.
 */
enum http1_reason http1_line_check_byte(uint8_t byte);

/** Take a field line (without CRLF, not empty) apart; the value comes without white space. */
enum http1_reason http1_line_split_field(struct bytes line, struct bytes *name,
                                         struct bytes *value);

/** The reason that belongs to a refusal of http_head_add. */
enum http1_reason http1_line_head_reason(enum http_head_status status);

#endif
