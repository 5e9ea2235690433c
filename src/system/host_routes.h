#ifndef SYSTEM_HOST_ROUTES_H
#define SYSTEM_HOST_ROUTES_H

#include "base/bytes.h"
#include "base/error.h"

/** Called for each IPv4 route of this machine; `network` in host order. */
typedef void host_routes_visit(void *context, uint32_t network, uint32_t prefix);

/** Visit the routes of this machine. */
bool host_routes_read(host_routes_visit *visit, void *context, struct error *error);

/** Visit the routes in the text of Linux's /proc/net/route; lines of another form are skipped. */
void host_routes_parse(struct bytes text, host_routes_visit *visit, void *context);

#endif
