#ifndef TESTS_HARNESS_FAKE_ANSWERS_H
#define TESTS_HARNESS_FAKE_ANSWERS_H

#include "harness/fake_world.h"

/**
 * CHECK what an agent was told over HTTP/1.1: whole responses, one for each request and in their
 * order, and perhaps the beginning of one more, which then did not end as if it were complete.
 */
void fake_answers_check(const struct fake_agent *agent);

#endif
