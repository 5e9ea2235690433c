#ifndef POLICY_SHARED_ZONE_H
#define POLICY_SHARED_ZONE_H

#include "policy/pattern.h"

/**
 * Zones in which strangers can have names: public suffixes (com, co.uk) and hosting (github.io).
 * A wildcard over one lets the agent talk to whoever registers there, so such a pattern needs
 * the flag +shared.
 */

/**
 * True when the pattern matches names that strangers can register. `*zone` is then the zone,
 * for the message: static text or a part of the pattern. A bare name of a dns rule covers what
 * lies below it: pass it as `**.name`.
 */
bool shared_zone_is_matched(const struct pattern *pattern, struct bytes *zone);

#endif
