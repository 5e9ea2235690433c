#ifndef HOST_IMAGE_HOST_H
#define HOST_IMAGE_HOST_H

#include <stdbool.h>

/**
 * The name leads to a private address (RFC 1918, RFC 6598), as a company's own mirror does: its
 * rule in the policy must say that such addresses are meant.
 */
bool image_host_is_private(const char *name);

#endif
