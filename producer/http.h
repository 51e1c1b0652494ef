/* SPDX-License-Identifier: PostgreSQL
 *
 * Questions over HTTP, several at a time. libcurl's only home.
 */
#ifndef PRODUCER_HTTP_H
#define PRODUCER_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "sink.h"
#include "text.h"
#include "trouble.h"

typedef enum HttpVerdict
{
	HTTP_OK,
	HTTP_REFUSED,   /* 4xx: asking again will not help */
	HTTP_THROTTLED, /* 429, 418 */
	HTTP_BLOCKED,   /* 403, 451 */
	HTTP_FAILED,    /* 5xx, network */
} HttpVerdict;

/* The caller sets url, and frees with http_request_free(). The rest is the answer. */
typedef struct HttpRequest
{
	Text url;
	Text body;
	HttpVerdict verdict;
	long status;            /* 0: no answer */
	int64_t retry_after_us; /* 0: not said */
	char failure[TROUBLE_BYTES];
} HttpRequest;

typedef struct Http Http;

/* The sink is served while answers are waited for. */
Http *http_open(const Settings *settings, Sink *sink);
/* Returns when each has its answer or its failure. */
void http_fetch(Http *http, HttpRequest *requests, int count);
void http_close(Http *http);
void http_request_free(HttpRequest *request);

#endif
