#ifndef FIREWALL_CAPTURE_INTERIM_H
#define FIREWALL_CAPTURE_INTERIM_H

#include "llm/llm_exchange.h"

/*
 * What llm_exchange.h promises, as far as bodies and ends go: calls are shown without what is in
 * them. Used where the decoders are not linked.
 */
struct capture_interim;

struct capture_interim *capture_interim_new(struct llm_context *context,
                                            const struct llm_exchange_start *start);
void capture_interim_free(struct capture_interim *exchange);
void capture_interim_request_body(struct capture_interim *exchange, uint64_t time_ms,
                                  struct bytes body);
void capture_interim_request_end(struct capture_interim *exchange, uint64_t time_ms);
void capture_interim_response_head(struct capture_interim *exchange, uint64_t time_ms,
                                   uint16_t status, const struct llm_field *fields,
                                   size_t field_count);
void capture_interim_response_body(struct capture_interim *exchange, uint64_t time_ms,
                                   struct bytes body);
void capture_interim_lost(struct capture_interim *exchange, enum llm_side side, uint64_t bytes);
void capture_interim_end(struct capture_interim *exchange, uint64_t time_ms, struct bytes reason);

#endif
