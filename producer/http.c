/* SPDX-License-Identifier: PostgreSQL
 *
 * Questions over HTTP, several at a time, over connections that are kept.
 *
 * It judges answers by their status alone; what a body means is the source's matter, and when to ask
 * again that of poll.c.
 */
#include <curl/curl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "log.h"
#include "moment.h"
#include "stop.h"

#ifndef WEIR_VERSION
#define WEIR_VERSION "unknown"
#endif

#define MAX_BODY (8 << 20)
#define MAX_REDIRECTS 3
#define SLICE_MS 50

struct Http
{
	CURLM *multi;
	CURL **handles; /* each keeps what it learnt: one for each question at a time */
	int nhandles;
	const Settings *settings;
	Sink *sink;
};

static void
fail(HttpRequest *request, HttpVerdict verdict, const char *failure)
{
	request->verdict = verdict;
	snprintf(request->failure, sizeof(request->failure), "%s", failure);
}

static size_t
on_body(char *data, size_t size, size_t count, void *opaque)
{
	HttpRequest *request = opaque;

	if (request->body.len + size * count > MAX_BODY)
	{
		fail(request, HTTP_FAILED, "an answer of more than 8 MB");
		return 0;
	}
	text_add(&request->body, data, size * count);
	return size * count;
}

static void
allow_http_only(CURL *handle)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "https");
#else
	curl_easy_setopt(handle, CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
	curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS, (long) CURLPROTO_HTTPS);
#endif
}

static void
set_up(Http *http, CURL *handle)
{
	long timeout_ms = (long) (http->settings->timeout_us / 1000);

	curl_easy_setopt(handle, CURLOPT_USERAGENT, "weir-producer/" WEIR_VERSION);
	curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
	allow_http_only(handle);
	curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(handle, CURLOPT_MAXREDIRS, (long) MAX_REDIRECTS);
	curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < 5000 ? timeout_ms : 5000L);
	curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
}

Http *
http_open(const Settings *settings, Sink *sink)
{
	Http *http = allocate(sizeof(Http));

	curl_global_init(CURL_GLOBAL_DEFAULT);
	http->multi = curl_multi_init();
	http->settings = settings;
	http->sink = sink;
	if (http->multi == NULL)
		abort();
	return http;
}

static void
need_handles(Http *http, int count)
{
	if (count <= http->nhandles)
		return;
	http->handles = reallocate(http->handles, sizeof(CURL *) * (size_t) count);
	for (; http->nhandles < count; http->nhandles++)
	{
		CURL *handle = curl_easy_init();

		if (handle == NULL)
			abort();
		set_up(http, handle);
		http->handles[http->nhandles] = handle;
	}
}

static void
start(Http *http, CURL *handle, HttpRequest *request)
{
	text_clear(&request->body);
	request->verdict = HTTP_FAILED;
	request->status = 0;
	request->retry_after_us = 0;
	request->failure[0] = '\0';
	curl_easy_setopt(handle, CURLOPT_URL, request->url.data);
	curl_easy_setopt(handle, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(handle, CURLOPT_PRIVATE, request);
	curl_multi_add_handle(http->multi, handle);
}

static void
judge_status(HttpRequest *request)
{
	char text[TROUBLE_BYTES];

	request->verdict = HTTP_OK;
	if (request->status >= 200 && request->status < 300)
		return;
	snprintf(text, sizeof(text), "HTTP status %ld", request->status);
	if (request->status == 429 || request->status == 418)
		fail(request, HTTP_THROTTLED, text);
	else if (request->status == 403 || request->status == 451)
	{
		snprintf(text, sizeof(text),
				 "HTTP status %ld: the exchange does not serve this place; --url names another "
				 "address of it or a mirror",
				 request->status);
		fail(request, HTTP_BLOCKED, text);
	}
	else if (request->status >= 400 && request->status < 500)
		fail(request, HTTP_REFUSED, text);
	else
		fail(request, HTTP_FAILED, text);
}

static void
finish(CURL *handle, CURLcode code)
{
	HttpRequest *request;
	curl_off_t retry_after_s = 0;

	curl_easy_getinfo(handle, CURLINFO_PRIVATE, (char **) &request);
	if (code != CURLE_OK)
	{
		if (request->failure[0] == '\0')
			fail(request, HTTP_FAILED, curl_easy_strerror(code));
		return;
	}
	curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &request->status);
	curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after_s);
	/* no exchange means more than a day */
	if (retry_after_s > 0)
		request->retry_after_us =
			retry_after_s > 86400 ? DAY_US : (int64_t) retry_after_s * SECOND_US;
	judge_status(request);
}

static void
finish_done(Http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left)) != NULL)
	{
		if (message->msg == CURLMSG_DONE)
			finish(message->easy_handle, message->data.result);
	}
}

void
http_fetch(Http *http, HttpRequest *requests, int count)
{
	int running = 1;

	need_handles(http, count);
	for (int i = 0; i < count; i++)
		start(http, http->handles[i], &requests[i]);
	while (running > 0 && !stop_is_due())
	{
		curl_multi_perform(http->multi, &running);
		if (running > 0)
			curl_multi_poll(http->multi, NULL, 0, SLICE_MS, NULL);
		sink_serve(http->sink, 0);
	}
	finish_done(http);
	for (int i = 0; i < count; i++)
	{
		if (requests[i].status == 0 && requests[i].failure[0] == '\0')
			fail(&requests[i], HTTP_FAILED, "ended by a signal");
		curl_multi_remove_handle(http->multi, http->handles[i]);
	}
}

void
http_close(Http *http)
{
	for (int i = 0; i < http->nhandles; i++)
		curl_easy_cleanup(http->handles[i]);
	curl_multi_cleanup(http->multi);
	curl_global_cleanup();
	free(http->handles);
	free(http);
}

void
http_request_free(HttpRequest *request)
{
	text_free(&request->url);
	text_free(&request->body);
}
