/* SPDX-License-Identifier: PostgreSQL
 *
 * librdkafka's one home: opens and closes handles, runs jobs that block, hands messages over.
 *
 * No PostgreSQL symbol is used here, for parts of this file run on threads of their own, and a
 * handle may outlive the query that opened it: closing hands it to a thread that waits for
 * librdkafka to end. Memory is malloc'ed for the same reason.
 *
 * librdkafka's callbacks run only inside weir_kafka_serve() and weir_kafka_fetch(), that is, on the
 * caller's thread; they write into the handle and nothing else.
 *
 * Reading uses librdkafka's simple consumer: no group, so no rights on groups are needed, and
 * positions are the caller's affair.
 */
#include "kafka.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#define LOG_LINES 32
#define LOG_LINE_LEN 256
#define RETRY_MS 50
#define PATIENCE_MS 500
#define AT_ONCE 16             /* messages whose memory is fetched into the cache together */
#define QUEUED_MESSAGES 100000 /* librdkafka's default of queued.min.messages */

typedef struct LogLine
{
	int severity;
	char text[LOG_LINE_LEN];
} LogLine;

/* A partition that is read for itself. */
typedef struct Lane
{
	rd_kafka_queue_t *queue;
	bool is_started;
	int batch_max;
	int raw_count;
	rd_kafka_message_t **raw;
	WeirMessage *messages;
} Lane;

struct WeirKafka
{
	/* fixed after weir_kafka_open() */
	rd_kafka_t *rk;
	WeirScope side;
	int fd;
	char *bootstrap;
	char *user;              /* for weir_kafka_wake() */
	char *password;          /* likewise */
	bool has_fetch_backoff;  /* librdkafka >= 2.2 */
	int low_mark;            /* messages in a queue: with fewer, fetching should go on */
	rd_kafka_queue_t *queue; /* consumer: all partitions' messages */

	/* owner and running jobs */
	atomic_int references;

	/* owner only */
	rd_kafka_topic_t *topic;
	int32_t *started;
	int started_count;
	int lane_count;
	Lane **lanes; /* by partition; NULL: never started */
	WeirFault fault;
	bool are_all_down;
	bool has_answered; /* a broker did: what we speak is what it speaks */
	LogLine logs[LOG_LINES];
	int log_first;
	int log_count;
	WeirDelivery delivery;
	int64_t nudged_us;
	bool has_taken;              /* messages, since the last nudge */
	rd_kafka_resp_err_t offered; /* what came of the last offsets that were offered to a group */
	int raw_count;
	rd_kafka_message_t *raw[WEIR_FETCH_MAX];
	WeirMessage messages[WEIR_FETCH_MAX];
};

typedef enum JobState
{
	JOB_RUNNING,
	JOB_DONE,     /* the owner frees it */
	JOB_ABANDONED /* the thread frees it */
} JobState;

/* A partition of a list. */
typedef struct Spot
{
	const char *topic;
	WeirRange *range;
	int32_t leader;            /* -1: none */
	bool is_read;              /* its last message was looked for */
	rd_kafka_topic_t *reading; /* NULL: it is not read at present */
} Spot;

struct WeirJob
{
	WeirKafka *kafka; /* holds a reference while running */
	char *topic_name; /* NULL: the job is a list */
	int64_t start_us;
	int64_t deadline_us;
	bool is_survey;
	bool has_time;
	int64_t time_ms;
	bool with_ends;
	atomic_int state;

	/* thread's until DONE, then owner's */
	bool is_found;
	WeirFault fault;
	WeirTopic topic;
	int32_t *leaders; /* by partition; -1: none */
	WeirList list;
	int spot_count;
	Spot *spots; /* by topic and partition */
};

static void kafka_unref(WeirKafka *kafka);

/*
 * Faults
 */

static bool
starts_with_bootstrap(const WeirKafka *kafka, const char *text)
{
	const char *name = strstr(text, "://");
	size_t len;
	const char *found;

	/* "ssl://host:port/3: Failed to …": is host:port one that the user wrote? */
	name = name ? name + 3 : text;
	len = strcspn(name, "/");
	if (strncmp(name + len, "/bootstrap", 10) == 0)
		return true;
	for (found = kafka->bootstrap; (found = strstr(found, ":")) != NULL; found++)
	{
		const char *start = found;
		size_t entry_len;

		while (start > kafka->bootstrap && start[-1] != ',' && start[-1] != ' ')
			start--;
		entry_len = strcspn(start, ", ");
		if (entry_len == len && strncmp(start, name, len) == 0)
			return true;
	}
	return false;
}

/* A port that speaks TLS says why it refuses; one that does not says something else, or hangs up. */
static bool
is_not_tls(rd_kafka_resp_err_t err, const char *text)
{
	if (strstr(text, "PLAINTEXT broker listener"))
		return true;
	return err == RD_KAFKA_RESP_ERR__SSL &&
		   (strstr(text, "unexpected eof") || strstr(text, "wrong version number"));
}

/* With TLS 1.3 the refusal of our certificate comes after the hand-shake. */
static bool
is_tls(rd_kafka_resp_err_t err, const char *text)
{
	return err == RD_KAFKA_RESP_ERR__SSL ||
		   (strstr(text, "SSL alert") && strstr(text, "certificate"));
}

static WeirTrouble
trouble_of_connection(const WeirKafka *kafka, rd_kafka_resp_err_t err, const char *text)
{
	bool is_broker = strchr(text, '/') != NULL && strchr(text, ':') != NULL;

	if (is_not_tls(err, text))
		return WEIR_TROUBLE_TLS_TO_PLAIN;
	if (is_tls(err, text))
		return WEIR_TROUBLE_TLS;
	if (strstr(text, "connecting to a SSL listener"))
		return WEIR_TROUBLE_PLAIN_TO_TLS;
	if (strstr(text, "might require SASL"))
		return WEIR_TROUBLE_PLAIN_TO_SASL;
	if (is_broker && !starts_with_bootstrap(kafka, text) &&
		(strstr(text, "Failed to resolve") || strstr(text, "Connect to")))
		return WEIR_TROUBLE_ADVERTISED;
	if (err == RD_KAFKA_RESP_ERR__RESOLVE)
		return WEIR_TROUBLE_RESOLVE;
	return WEIR_TROUBLE_UNREACHABLE;
}

static WeirTrouble
trouble_of(const WeirKafka *kafka, rd_kafka_resp_err_t err, const char *text)
{
	switch (err)
	{
		case RD_KAFKA_RESP_ERR_NO_ERROR:
			return WEIR_TROUBLE_NONE;
		case RD_KAFKA_RESP_ERR__SSL:
		case RD_KAFKA_RESP_ERR__RESOLVE:
		case RD_KAFKA_RESP_ERR__TRANSPORT:
		case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
			return trouble_of_connection(kafka, err, text);
		case RD_KAFKA_RESP_ERR__AUTHENTICATION:
		case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
		case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
			return WEIR_TROUBLE_AUTHENTICATION;
		case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
			return WEIR_TROUBLE_AUTHORIZATION;
		case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
		case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
			return WEIR_TROUBLE_NO_TOPIC;
		case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
			return WEIR_TROUBLE_NO_PARTITION;
		case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
			return WEIR_TROUBLE_NO_LEADER;
		case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
			return WEIR_TROUBLE_OUT_OF_RANGE;
		case RD_KAFKA_RESP_ERR__TIMED_OUT:
		case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
		case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
		case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
			return WEIR_TROUBLE_TIMEOUT;
		case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
			return WEIR_TROUBLE_TOO_LARGE;
		case RD_KAFKA_RESP_ERR__FATAL:
			return WEIR_TROUBLE_FENCED;
		default:
			return WEIR_TROUBLE_OTHER;
	}
}

static void
fault_set(const WeirKafka *kafka, WeirFault *fault, rd_kafka_resp_err_t err, const char *text)
{
	if (text == NULL || text[0] == '\0')
		text = rd_kafka_err2str(err);
	fault->trouble = trouble_of(kafka, err, text);
	snprintf(fault->text, sizeof(fault->text), "%s", text);
}

bool
weir_trouble_is_passing(WeirTrouble trouble)
{
	switch (trouble)
	{
		case WEIR_TROUBLE_UNREACHABLE:
		case WEIR_TROUBLE_NO_LEADER:
		case WEIR_TROUBLE_TIMEOUT:
			return true;
		default:
			return false;
	}
}

const WeirFault *
weir_kafka_fault(const WeirKafka *kafka)
{
	return &kafka->fault;
}

bool
weir_kafka_is_hopeless(const WeirKafka *kafka)
{
	/* What has worked may work again: a name server, a broker may be away for a moment. */
	if (kafka->has_answered)
		return false;
	switch (kafka->fault.trouble)
	{
		case WEIR_TROUBLE_ADVERTISED:
			return strstr(kafka->fault.text, "Failed to resolve") != NULL;
		case WEIR_TROUBLE_RESOLVE:
		case WEIR_TROUBLE_TLS:
		case WEIR_TROUBLE_TLS_TO_PLAIN:
		case WEIR_TROUBLE_PLAIN_TO_TLS:
		case WEIR_TROUBLE_AUTHENTICATION:
			return kafka->are_all_down;
		default:
			return false;
	}
}

/* A broker has answered: past faults are past. */
static void
heard(WeirKafka *kafka)
{
	kafka->fault.trouble = WEIR_TROUBLE_NONE;
	kafka->are_all_down = false;
	kafka->has_answered = true;
}

/*
 * Callbacks: only ever inside serve() and fetch()
 */

/* It names a mistake in the configuration. */
static bool
is_telling(WeirTrouble trouble)
{
	return trouble >= WEIR_TROUBLE_RESOLVE && trouble <= WEIR_TROUBLE_AUTHORIZATION;
}

/* A broker that goes down hangs up, just like one that wants another protocol. */
static bool
is_guess(WeirTrouble trouble)
{
	return trouble == WEIR_TROUBLE_TLS_TO_PLAIN || trouble == WEIR_TROUBLE_PLAIN_TO_TLS ||
		   trouble == WEIR_TROUBLE_PLAIN_TO_SASL;
}

static void
on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	WeirKafka *kafka = opaque;
	WeirFault fault;

	if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
	{
		kafka->are_all_down = true;
		if (kafka->fault.trouble != WEIR_TROUBLE_NONE)
			return; /* "all brokers are down" says less than what came before */
	}
	if (err == RD_KAFKA_RESP_ERR__FATAL)
	{
		char text[sizeof(kafka->fault.text)];

		rd_kafka_fatal_error(rk, text, sizeof(text));
		fault_set(kafka, &kafka->fault, err, text);
		return;
	}
	fault_set(kafka, &fault, err, reason);
	if (kafka->has_answered && is_guess(fault.trouble))
		fault.trouble = WEIR_TROUBLE_UNREACHABLE;
	/* A connection that breaks off says less than why the one before did. */
	if (fault.trouble != WEIR_TROUBLE_UNREACHABLE || !is_telling(kafka->fault.trouble))
		kafka->fault = fault;
}

static void
on_log(const rd_kafka_t *rk, int severity, const char *facility, const char *text)
{
	WeirKafka *kafka = rd_kafka_opaque(rk);
	LogLine *line;

	/* Before the log queue is set up it may come on another thread: dropped. */
	if (kafka == NULL || kafka->rk != rk || kafka->log_count == LOG_LINES)
		return;
	line = &kafka->logs[(kafka->log_first + kafka->log_count) % LOG_LINES];
	line->severity = severity;
	snprintf(line->text, sizeof(line->text), "%s: %s", facility, text);
	kafka->log_count++;
}

/* A group is a courtesy: that its offsets are not taken is a line in the log, once. */
static void
on_offsets(rd_kafka_t *rk, rd_kafka_resp_err_t error, rd_kafka_topic_partition_list_t *offsets,
		   void *opaque)
{
	WeirKafka *kafka = opaque;

	for (int i = 0; offsets != NULL && i < offsets->cnt && !error; i++)
		error = offsets->elems[i].err;
	if (error == RD_KAFKA_RESP_ERR__NO_OFFSET)
		error = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (error && error != kafka->offered)
	{
		char text[256];

		snprintf(text, sizeof(text), "cannot commit offsets to the group: %s",
				 rd_kafka_err2str(error));
		on_log(rk, 4, "GROUP", text);
	}
	kafka->offered = error;
}

static void
on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *raw, void *opaque)
{
	WeirKafka *kafka = opaque;

	(void) rk;
	if (raw->err == RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		kafka->delivery.delivered++;
		heard(kafka);
		return;
	}
	/* rd_kafka_message_errstr() is for consumers: here it would give the message's own payload. */
	if (kafka->delivery.failed++ == 0)
		fault_set(kafka, &kafka->delivery.first, raw->err, NULL);
}

const char *
weir_kafka_log(WeirKafka *kafka, int *severity)
{
	LogLine *line;

	if (kafka->log_count == 0)
		return NULL;
	line = &kafka->logs[kafka->log_first];
	kafka->log_first = (kafka->log_first + 1) % LOG_LINES;
	kafka->log_count--;
	*severity = line->severity;
	return line->text;
}

/*
 * Opening
 */

typedef struct Setting
{
	WeirScope side;
	const char *name;
	const char *value;
	bool may_be_unknown; /* to older versions of librdkafka */
} Setting;

/* Ours, before the user's. */
static const Setting settings[] = {
	{WEIR_SCOPE_BOTH, "client.id", "pg_weir", false},
	{WEIR_SCOPE_BOTH, "log.queue", "true", false},
	{WEIR_SCOPE_BOTH, "log_level", "4", false},
	{WEIR_SCOPE_BOTH, "socket.nagle.disable", "true", false},
	/* A partition that lost its leader is seen to have one again. */
	{WEIR_SCOPE_BOTH, "topic.metadata.refresh.interval.ms", "5000", false},
	{WEIR_SCOPE_BOTH, "reconnect.backoff.ms", "50", false},
	{WEIR_SCOPE_BOTH, "reconnect.backoff.max.ms", "1000", false},
	{WEIR_SCOPE_CONSUMER, "allow.auto.create.topics", "false", false},
	{WEIR_SCOPE_CONSUMER, "auto.offset.reset", "error", false},
	{WEIR_SCOPE_CONSUMER, "enable.auto.commit", "false", false},
	{WEIR_SCOPE_CONSUMER, "enable.auto.offset.store", "false", false},
	{WEIR_SCOPE_CONSUMER, "enable.partition.eof", "true", false},
	{WEIR_SCOPE_CONSUMER, "isolation.level", "read_committed", false},
	{WEIR_SCOPE_CONSUMER, "fetch.error.backoff.ms", "50", false},
	{WEIR_SCOPE_CONSUMER, "fetch.queue.backoff.ms", "10", true},
	{WEIR_SCOPE_CONSUMER, "fetch.wait.max.ms", "10", false},
	{WEIR_SCOPE_PRODUCER, "acks", "all", false},
	{WEIR_SCOPE_PRODUCER, "enable.idempotence", "true", false},
	{WEIR_SCOPE_PRODUCER, "linger.ms", "5", false},
	{WEIR_SCOPE_PRODUCER, "queue.buffering.max.kbytes", "65536", false},
	{WEIR_SCOPE_PRODUCER, "queue.buffering.max.messages", "200000", false},
};

static bool
conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, WeirFault *fault)
{
	char text[sizeof(fault->text)];

	if (rd_kafka_conf_set(conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK)
		return true;
	fault->trouble = WEIR_TROUBLE_CONFIG;
	snprintf(fault->text, sizeof(fault->text), "%s", text);
	return false;
}

static bool
conf_fill(WeirKafka *kafka, rd_kafka_conf_t *conf, const WeirProperty *properties,
		  int property_count, int timeout_ms, WeirFault *fault)
{
	char timeout[16];

	kafka->has_fetch_backoff = true;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
	{
		const Setting *setting = &settings[i];

		if (setting->side != WEIR_SCOPE_BOTH && setting->side != kafka->side)
			continue;
		if (conf_set(conf, setting->name, setting->value, fault))
			continue;
		if (!setting->may_be_unknown)
			return false;
		kafka->has_fetch_backoff = false;
		fault->trouble = WEIR_TROUBLE_NONE;
	}
	snprintf(timeout, sizeof(timeout), "%d", timeout_ms < 1000 ? 1000 : timeout_ms);
	if (!conf_set(conf, "socket.connection.setup.timeout.ms", timeout, fault))
		return false;
	if (kafka->side == WEIR_SCOPE_PRODUCER && !conf_set(conf, "message.timeout.ms", timeout, fault))
		return false;
	for (int i = 0; i < property_count; i++)
	{
		const WeirProperty *property = &properties[i];

		if (property->scope != WEIR_SCOPE_BOTH && property->scope != kafka->side)
			continue;
		if (!conf_set(conf, property->name, property->value, fault))
			return false;
	}
	return true;
}

static char *
property_copy(const WeirProperty *properties, int property_count, const char *name)
{
	/* the last one wins, as it does with librdkafka */
	for (int i = property_count - 1; i >= 0; i--)
		if (strcmp(properties[i].name, name) == 0)
			return strdup(properties[i].value);
	return strdup("");
}

static void
lane_free(Lane *lane)
{
	if (lane == NULL)
		return;
	free(lane->raw);
	free(lane->messages);
	free(lane);
}

/* What is ours of a handle; librdkafka's part is gone, or never was. */
static void
kafka_free(WeirKafka *kafka)
{
	if (kafka->fd >= 0)
		close(kafka->fd);
	free(kafka->bootstrap);
	free(kafka->user);
	free(kafka->password);
	free(kafka->started);
	for (int i = 0; i < kafka->lane_count; i++)
		lane_free(kafka->lanes[i]);
	free(kafka->lanes);
	free(kafka);
}

/* Frees what open() made before there was a librdkafka handle. */
static WeirKafka *
open_failed(WeirKafka *kafka, rd_kafka_conf_t *conf)
{
	if (conf)
		rd_kafka_conf_destroy(conf);
	kafka_free(kafka);
	return NULL;
}

static void
events_enable(WeirKafka *kafka)
{
	static const uint64_t one = 1;
	rd_kafka_queue_t *main_queue = rd_kafka_queue_get_main(kafka->rk);

	rd_kafka_queue_io_event_enable(main_queue, kafka->fd, &one, sizeof(one));
	rd_kafka_queue_destroy(main_queue);
	if (kafka->side == WEIR_SCOPE_CONSUMER)
	{
		kafka->queue = rd_kafka_queue_new(kafka->rk);
		rd_kafka_queue_io_event_enable(kafka->queue, kafka->fd, &one, sizeof(one));
	}
}

WeirKafka *
weir_kafka_open(WeirScope side, const WeirProperty *properties, int property_count, int timeout_ms,
				WeirFault *fault)
{
	WeirKafka *kafka = calloc(1, sizeof(WeirKafka));
	rd_kafka_conf_t *conf;
	rd_kafka_type_t type = side == WEIR_SCOPE_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
	rd_kafka_t *rk;
	char *queued;

	memset(fault, 0, sizeof(*fault));
	if (kafka == NULL)
	{
		fault->trouble = WEIR_TROUBLE_OTHER;
		snprintf(fault->text, sizeof(fault->text), "out of memory");
		return NULL;
	}
	kafka->side = side;
	atomic_init(&kafka->references, 1);
	kafka->bootstrap = property_copy(properties, property_count, "bootstrap.servers");
	kafka->user = property_copy(properties, property_count, "sasl.username");
	kafka->password = property_copy(properties, property_count, "sasl.password");
	queued = property_copy(properties, property_count, "queued.min.messages");
	kafka->low_mark = (queued && queued[0] ? atoi(queued) : QUEUED_MESSAGES) / 2;
	free(queued);
	kafka->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (kafka->fd < 0)
	{
		fault->trouble = WEIR_TROUBLE_OTHER;
		snprintf(fault->text, sizeof(fault->text), "eventfd: %s", strerror(errno));
		return open_failed(kafka, NULL);
	}
	conf = rd_kafka_conf_new();
	rd_kafka_conf_set_opaque(conf, kafka);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	if (side == WEIR_SCOPE_PRODUCER)
		rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	else
		rd_kafka_conf_set_offset_commit_cb(conf, on_offsets);
	if (!conf_fill(kafka, conf, properties, property_count, timeout_ms, fault))
		return open_failed(kafka, conf);
	rk = rd_kafka_new(type, conf, fault->text, sizeof(fault->text));
	if (rk == NULL)
	{
		fault->trouble = WEIR_TROUBLE_CONFIG;
		return open_failed(kafka, conf);
	}
	kafka->rk = rk;
	rd_kafka_set_log_queue(rk, NULL);
	events_enable(kafka);
	return kafka;
}

int
weir_kafka_fd(const WeirKafka *kafka)
{
	return kafka->fd;
}

void
weir_kafka_serve(WeirKafka *kafka)
{
	uint64_t count;

	/* Drained first: what arrives from here on is written anew. */
	(void) !read(kafka->fd, &count, sizeof(count));
	rd_kafka_poll(kafka->rk, 0);
}

/* Setting the credentials to what they are is the one call that wakes the threads and does nothing
 * else. */
void
weir_kafka_wake(WeirKafka *kafka)
{
	rd_kafka_error_t *error =
		rd_kafka_sasl_set_credentials(kafka->rk, kafka->user, kafka->password);

	if (error)
		rd_kafka_error_destroy(error);
}

const char *
weir_kafka_version(void)
{
	return rd_kafka_version_str();
}

int
weir_kafka_version_number(void)
{
	return rd_kafka_version();
}

/*
 * Threads
 */

/* librdkafka's threads block all signals; so must ours, or PostgreSQL's handlers would run there. */
static bool
thread_start(void *(*routine)(void *), void *argument)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all;
	sigset_t before;
	int result;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread, &attributes, routine, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return result == 0;
}

static int64_t
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
sleep_ms(int ms)
{
	struct timespec duration = {ms / 1000, (long) (ms % 1000) * 1000000};

	nanosleep(&duration, NULL);
}

/*
 * Closing
 */

static void
lane_release(Lane *lane)
{
	for (int i = 0; i < lane->raw_count; i++)
		rd_kafka_message_destroy(lane->raw[i]);
	lane->raw_count = 0;
}

static void
lane_stop(WeirKafka *kafka, int partition)
{
	Lane *lane = kafka->lanes[partition];

	if (lane == NULL)
		return;
	lane_release(lane);
	if (lane->is_started)
		rd_kafka_consume_stop(kafka->topic, partition);
	if (lane->queue)
		rd_kafka_queue_destroy(lane->queue);
	lane->is_started = false;
	lane->queue = NULL;
}

/* Runs in: a thread of its own, or a job's; never where somebody waits. */
static void *
kafka_destroy(void *argument)
{
	WeirKafka *kafka = argument;

	for (int i = 0; i < kafka->started_count; i++)
		rd_kafka_consume_stop(kafka->topic, kafka->started[i]);
	for (int i = 0; i < kafka->lane_count; i++)
		lane_stop(kafka, i);
	if (kafka->queue)
		rd_kafka_queue_destroy(kafka->queue);
	if (kafka->topic)
		rd_kafka_topic_destroy(kafka->topic);
	if (kafka->side == WEIR_SCOPE_PRODUCER)
		rd_kafka_purge(kafka->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
	rd_kafka_destroy(kafka->rk);
	kafka_free(kafka);
	return NULL;
}

void
weir_kafka_close(WeirKafka *kafka)
{
	weir_kafka_release(kafka);
	for (int i = 0; i < kafka->lane_count; i++)
		if (kafka->lanes[i])
			lane_release(kafka->lanes[i]);
	if (atomic_fetch_sub(&kafka->references, 1) > 1)
		return; /* a job is still running: its thread destroys */
	/* Without a thread the handle is leaked: better than to block the caller. */
	thread_start(kafka_destroy, kafka);
}

static void
kafka_unref(WeirKafka *kafka)
{
	if (atomic_fetch_sub(&kafka->references, 1) == 1)
		kafka_destroy(kafka);
}

/*
 * The describe job
 */

static int
remaining_ms(const WeirJob *job)
{
	int64_t left_us = job->deadline_us - clock_us();

	return left_us <= 0 ? 0 : (int) (left_us / 1000) + 1;
}

/* How long one request may take. Not all of the time: when the caller has walked away, thread and
 * handle must go, though the broker be dead and the time-out an hour. A slow broker gets twice as
 * long with each attempt. */
static int
patience_ms(const WeirJob *job)
{
	int64_t elapsed_ms = (clock_us() - job->start_us) / 1000;
	int64_t patience = elapsed_ms < PATIENCE_MS ? PATIENCE_MS : elapsed_ms;
	int left_ms = remaining_ms(job);

	return patience < left_ms ? (int) patience : left_ms;
}

static bool
is_worth_retrying(rd_kafka_resp_err_t err)
{
	switch (err)
	{
		case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
		case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR__TRANSPORT:
		case RD_KAFKA_RESP_ERR__TIMED_OUT:
		case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
		case RD_KAFKA_RESP_ERR__WAIT_COORD:
		case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
		case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
			return true;
		default:
			return false;
	}
}

/* When a topic is not there: which are. A failure here only leaves the list empty. */
static void
job_collect_names(WeirJob *job)
{
	const struct rd_kafka_metadata *metadata;

	if (rd_kafka_metadata(job->kafka->rk, 1, NULL, &metadata, remaining_ms(job)))
		return;
	job->topic.near_topics = calloc((size_t) metadata->topic_cnt + 1, sizeof(char *));
	for (int i = 0; job->topic.near_topics && i < metadata->topic_cnt; i++)
	{
		char *name = strdup(metadata->topics[i].topic);

		if (name)
			job->topic.near_topics[job->topic.near_count++] = name;
	}
	rd_kafka_metadata_destroy(metadata);
}

/* Without a leader a partition cannot be read; a survey tells so, others do not begin. */
static rd_kafka_resp_err_t
job_note_leaders(WeirJob *job, const struct rd_kafka_metadata_topic *answer)
{
	free(job->leaders);
	job->leaders = malloc(sizeof(int32_t) * (size_t) (answer->partition_cnt + 1));
	if (job->leaders == NULL)
		return RD_KAFKA_RESP_ERR__FAIL;
	for (int i = 0; i < answer->partition_cnt; i++)
		job->leaders[i] = -1;
	for (int i = 0; i < answer->partition_cnt; i++)
	{
		const struct rd_kafka_metadata_partition *partition = &answer->partitions[i];
		bool is_well = partition->err == RD_KAFKA_RESP_ERR_NO_ERROR ||
					   partition->err == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE;

		if (!is_well && !job->is_survey)
			return partition->err;
		if (is_well && partition->id >= 0 && partition->id < answer->partition_cnt)
			job->leaders[partition->id] = partition->leader;
	}
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* How many partitions the topic has. */
static rd_kafka_resp_err_t
job_ask_partitions(WeirJob *job, rd_kafka_topic_t *topic)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t err;

	err = rd_kafka_metadata(job->kafka->rk, 0, topic, &metadata, patience_ms(job));
	if (err)
		return err;
	if (metadata->topic_cnt != 1)
		err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	else
	{
		err = metadata->topics[0].err;
		job->topic.partition_count = metadata->topics[0].partition_cnt;
		if (!err && job->topic.partition_count == 0)
			err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
		if (!err)
			err = job_note_leaders(job, &metadata->topics[0]);
	}
	rd_kafka_metadata_destroy(metadata);
	return err;
}

#define LEADER_ANY (-1)

/* The partitions of one leader, or of all. */
static rd_kafka_topic_partition_list_t *
job_partitions(const WeirJob *job, int32_t leader, int64_t which)
{
	rd_kafka_topic_partition_list_t *list;

	list = rd_kafka_topic_partition_list_new(job->topic.partition_count);
	for (int i = 0; i < job->topic.partition_count; i++)
		if (leader == LEADER_ANY || job->leaders[i] == leader)
			rd_kafka_topic_partition_list_add(list, job->topic_name, i)->offset = which;
	return list;
}

/* One end of partitions in one go: -2, the earliest, and -1, the last stable offset, are Kafka's own
 * stand-ins for a time. */
static rd_kafka_resp_err_t
job_ask_offsets(WeirJob *job, int32_t leader, int64_t which)
{
	rd_kafka_topic_partition_list_t *list = job_partitions(job, leader, which);
	rd_kafka_resp_err_t err;
	rd_kafka_resp_err_t first = RD_KAFKA_RESP_ERR_NO_ERROR;

	err = rd_kafka_offsets_for_times(job->kafka->rk, list, patience_ms(job));
	for (int i = 0; !err && i < list->cnt; i++)
	{
		const rd_kafka_topic_partition_t *answer = &list->elems[i];
		WeirRange *range = &job->topic.ranges[answer->partition];

		if (first == RD_KAFKA_RESP_ERR_NO_ERROR)
			first = answer->err;
		if (which == RD_KAFKA_OFFSET_BEGINNING)
			range->low = answer->offset;
		else if (which == RD_KAFKA_OFFSET_END)
			range->stable = answer->offset;
		else
			range->at = answer->offset < 0 ? range->stable : answer->offset;
		if (answer->err)
			range->is_known = false;
	}
	rd_kafka_topic_partition_list_destroy(list);
	return err ? err : first;
}

static rd_kafka_resp_err_t
job_ask_ranges(WeirJob *job, int32_t leader)
{
	/* The low end first: data that are deleted in between are then missed by nobody. */
	rd_kafka_resp_err_t err = job_ask_offsets(job, leader, RD_KAFKA_OFFSET_BEGINNING);

	if (!err)
		err = job_ask_offsets(job, leader, RD_KAFKA_OFFSET_END);
	if (!err && job->has_time)
		err = job_ask_offsets(job, leader, job->time_ms);
	return err;
}

static bool
is_asked(const WeirJob *job, int partition)
{
	for (int i = 0; i < partition; i++)
		if (job->leaders[i] == job->leaders[partition])
			return true;
	return false;
}

/* Asks one leader after the other: librdkafka fails a request to many when one of them fails. */
static void
job_ask_leaders(WeirJob *job)
{
	for (int i = 0; i < job->topic.partition_count; i++)
	{
		int32_t leader = job->leaders[i];
		rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;

		if (leader >= 0)
			err = is_asked(job, i) ? RD_KAFKA_RESP_ERR_NO_ERROR : job_ask_ranges(job, leader);
		if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
			continue;
		fault_set(job->kafka, &job->fault, err, NULL);
		for (int j = i; j < job->topic.partition_count; j++)
			if (job->leaders[j] == leader)
				job->topic.ranges[j].is_known = false;
	}
}

static rd_kafka_resp_err_t
job_ask(WeirJob *job, rd_kafka_topic_t *topic)
{
	rd_kafka_resp_err_t err = job_ask_partitions(job, topic);

	if (err || job->kafka->side == WEIR_SCOPE_PRODUCER)
		return err;
	free(job->topic.ranges);
	job->topic.ranges = calloc((size_t) job->topic.partition_count, sizeof(WeirRange));
	if (job->topic.ranges == NULL)
		return RD_KAFKA_RESP_ERR__FAIL;
	for (int i = 0; i < job->topic.partition_count; i++)
	{
		job->topic.ranges[i].partition = i;
		job->topic.ranges[i].has_leader = job->leaders[i] >= 0;
		job->topic.ranges[i].is_known = true;
	}
	if (!job->is_survey)
		return job_ask_ranges(job, LEADER_ANY);
	job_ask_leaders(job);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void
job_describe(WeirJob *job)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(job->kafka->rk, job->topic_name, NULL);
	rd_kafka_resp_err_t err;

	if (topic == NULL)
	{
		fault_set(job->kafka, &job->fault, rd_kafka_last_error(), NULL);
		return;
	}
	while ((err = job_ask(job, topic)) != RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		if (!is_worth_retrying(err) || remaining_ms(job) <= RETRY_MS ||
			atomic_load(&job->state) == JOB_ABANDONED)
			break;
		sleep_ms(RETRY_MS);
	}
	if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
		job_collect_names(job);
	if (err)
		fault_set(job->kafka, &job->fault, err, NULL);
	job->is_found = err == RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_topic_destroy(topic);
}

/*
 * The list job
 */

#define NEWEST_NEAR 1 /* messages before the end where the last one is looked for; then */
#define NEWEST_FAR 4096
#define NEWEST_STEP 64 /* times as many, for there may be only commit markers */

static void
list_free(WeirJob *job)
{
	for (int i = 0; i < job->list.count; i++)
	{
		free(job->list.topics[i].name);
		free(job->list.topics[i].ranges);
	}
	free(job->list.topics);
	free(job->spots);
	job->list.topics = NULL;
	job->list.count = 0;
	job->spots = NULL;
	job->spot_count = 0;
}

/* Result: false when there is no memory. */
static bool
list_add(WeirJob *job, const struct rd_kafka_metadata_topic *told)
{
	WeirListed *topic = &job->list.topics[job->list.count];
	Spot *spots = &job->spots[job->spot_count];

	topic->name = strdup(told->topic);
	topic->ranges = calloc((size_t) told->partition_cnt + 1, sizeof(WeirRange));
	job->list.count++;
	if (topic->name == NULL || topic->ranges == NULL)
		return false;
	topic->partition_count = told->partition_cnt;
	for (int i = 0; i < told->partition_cnt; i++)
	{
		topic->ranges[i] = (WeirRange){.partition = i, .newest_ms = -1};
		spots[i] = (Spot){.topic = topic->name, .range = &topic->ranges[i], .leader = -1};
	}
	for (int i = 0; i < told->partition_cnt; i++)
	{
		int32_t number = told->partitions[i].id;

		if (number >= 0 && number < told->partition_cnt)
			spots[number].leader = told->partitions[i].leader;
	}
	job->spot_count += told->partition_cnt;
	return true;
}

static int
listed_compare(const void *a, const void *b)
{
	return strcmp(((const WeirListed *) a)->name, ((const WeirListed *) b)->name);
}

static int
spot_compare(const void *a, const void *b)
{
	const Spot *left = a;
	const Spot *right = b;
	int order = strcmp(left->topic, right->topic);

	return order != 0 ? order : left->range->partition - right->range->partition;
}

static Spot *
spot_find(const WeirJob *job, const char *topic, int32_t partition)
{
	WeirRange range = {.partition = partition};
	Spot key = {.topic = topic, .range = &range};

	return bsearch(&key, job->spots, (size_t) job->spot_count, sizeof(Spot), spot_compare);
}

static rd_kafka_resp_err_t
list_take_names(WeirJob *job, const struct rd_kafka_metadata *metadata)
{
	size_t spot_count = 0;

	list_free(job);
	for (int i = 0; i < metadata->topic_cnt; i++)
		spot_count += (size_t) metadata->topics[i].partition_cnt;
	job->list.topics = calloc((size_t) metadata->topic_cnt + 1, sizeof(WeirListed));
	job->spots = calloc(spot_count + 1, sizeof(Spot));
	if (job->list.topics == NULL || job->spots == NULL)
		return RD_KAFKA_RESP_ERR__FAIL;
	for (int i = 0; i < metadata->topic_cnt; i++)
		if (!list_add(job, &metadata->topics[i]))
			return RD_KAFKA_RESP_ERR__FAIL;
	qsort(job->list.topics, (size_t) job->list.count, sizeof(WeirListed), listed_compare);
	qsort(job->spots, (size_t) job->spot_count, sizeof(Spot), spot_compare);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
list_ask_names(WeirJob *job)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_resp_err_t err;

	err = rd_kafka_metadata(job->kafka->rk, 1, NULL, &metadata, patience_ms(job));
	if (err)
		return err;
	err = list_take_names(job, metadata);
	rd_kafka_metadata_destroy(metadata);
	return err;
}

/* As job_ask_offsets(), for the partitions of one leader that are not known yet, of all topics. */
static rd_kafka_resp_err_t
list_ask_offsets(WeirJob *job, int32_t leader, int64_t which)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(job->spot_count);
	rd_kafka_resp_err_t err;

	for (int i = 0; i < job->spot_count; i++)
		if (job->spots[i].leader == leader && !job->spots[i].range->is_known)
			rd_kafka_topic_partition_list_add(list, job->spots[i].topic,
											  job->spots[i].range->partition)
				->offset = which;
	err = rd_kafka_offsets_for_times(job->kafka->rk, list, patience_ms(job));
	for (int i = 0; !err && i < list->cnt; i++)
	{
		const rd_kafka_topic_partition_t *answer = &list->elems[i];
		WeirRange *range = spot_find(job, answer->topic, answer->partition)->range;

		if (which == RD_KAFKA_OFFSET_BEGINNING)
			range->low = answer->err ? -1 : answer->offset;
		else
			range->stable = answer->err ? -1 : answer->offset;
		range->is_known =
			which == RD_KAFKA_OFFSET_END && range->low >= 0 && range->stable >= range->low;
	}
	rd_kafka_topic_partition_list_destroy(list);
	return err;
}

/* Result: true if it may answer another time. */
static bool
list_ask_leader(WeirJob *job, int32_t leader)
{
	rd_kafka_resp_err_t err = list_ask_offsets(job, leader, RD_KAFKA_OFFSET_BEGINNING);

	if (!err)
		err = list_ask_offsets(job, leader, RD_KAFKA_OFFSET_END);
	if (err)
		fault_set(job->kafka, &job->fault, err, NULL);
	return is_worth_retrying(err);
}

/* Asks each leader that has not answered yet. Result: true if some may another time. */
static bool
list_ask_ranges(WeirJob *job)
{
	bool is_worth_more = false;

	for (int i = 0; i < job->spot_count; i++)
	{
		int32_t leader = job->spots[i].leader;
		bool is_asked = leader < 0 || job->spots[i].range->is_known;

		job->spots[i].range->has_leader = leader >= 0;
		for (int j = 0; j < i && !is_asked; j++)
			is_asked = job->spots[j].leader == leader;
		if (!is_asked)
			is_worth_more |= list_ask_leader(job, leader);
	}
	return is_worth_more;
}

/* Result: how many partitions are being read. */
static int
list_start_reading(WeirJob *job, rd_kafka_queue_t *queue, int64_t distance)
{
	int count = 0;

	for (int i = 0; i < job->spot_count; i++)
	{
		Spot *spot = &job->spots[i];
		WeirRange *range = spot->range;
		int64_t seen = distance > NEWEST_NEAR ? distance / NEWEST_STEP : 0;
		int64_t from =
			range->stable - distance > range->low ? range->stable - distance : range->low;

		if (!range->is_known || spot->is_read || range->newest_ms >= 0 ||
			range->stable - seen <= range->low)
			continue;
		spot->reading = rd_kafka_topic_new(job->kafka->rk, spot->topic, NULL);
		if (spot->reading == NULL)
			continue;
		if (rd_kafka_consume_start_queue(spot->reading, range->partition, from, queue) == 0)
		{
			count++;
			continue;
		}
		rd_kafka_topic_destroy(spot->reading);
		spot->reading = NULL;
	}
	return count;
}

static void
list_stop_reading(Spot *spot)
{
	rd_kafka_consume_stop(spot->reading, spot->range->partition);
	rd_kafka_topic_destroy(spot->reading);
	spot->reading = NULL;
}

/* Result: true when the partition's last message has been seen, or will not come. */
static bool
list_take(Spot *spot, const rd_kafka_message_t *raw)
{
	rd_kafka_timestamp_type_t type;

	if (raw->err)
		return true;
	if (raw->offset < spot->range->stable)
		spot->range->newest_ms = rd_kafka_message_timestamp(raw, &type);
	return raw->offset >= spot->range->stable - 1;
}

static void
list_read(WeirJob *job, rd_kafka_queue_t *queue, int count)
{
	while (count > 0 && remaining_ms(job) > 0 && atomic_load(&job->state) != JOB_ABANDONED)
	{
		rd_kafka_message_t *raw = rd_kafka_consume_queue(queue, RETRY_MS);
		Spot *spot = NULL;

		if (raw == NULL)
			continue;
		if (raw->rkt != NULL)
			spot = spot_find(job, rd_kafka_topic_name(raw->rkt), raw->partition);
		if (spot != NULL && spot->reading != NULL && list_take(spot, raw))
		{
			list_stop_reading(spot);
			count--;
		}
		rd_kafka_message_destroy(raw);
	}
	for (int i = 0; i < job->spot_count; i++)
		if (job->spots[i].reading != NULL)
			list_stop_reading(&job->spots[i]);
}

static void
list_read_newest(WeirJob *job)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(job->kafka->rk);

	for (int64_t distance = NEWEST_NEAR; distance <= NEWEST_FAR; distance *= NEWEST_STEP)
		list_read(job, queue, list_start_reading(job, queue, distance));
	rd_kafka_queue_destroy(queue);
	for (int i = 0; i < job->spot_count; i++)
		job->spots[i].is_read = job->spots[i].range->is_known;
}

/* Before another try. Result: false if there is no time for one. */
static bool
list_wait(WeirJob *job)
{
	if (remaining_ms(job) <= RETRY_MS || atomic_load(&job->state) == JOB_ABANDONED)
		return false;
	sleep_ms(RETRY_MS);
	return true;
}

static void
job_list(WeirJob *job)
{
	rd_kafka_resp_err_t err;
	bool is_worth_more;

	do
		err = list_ask_names(job);
	while (is_worth_retrying(err) && list_wait(job));
	job->is_found = err == RD_KAFKA_RESP_ERR_NO_ERROR;
	if (err)
		fault_set(job->kafka, &job->fault, err, NULL);
	if (err || !job->with_ends)
		return;
	/* One that does not answer does not keep what others have to tell. */
	do
	{
		is_worth_more = list_ask_ranges(job);
		list_read_newest(job);
	} while (is_worth_more && list_wait(job));
}

static void
job_destroy(WeirJob *job)
{
	list_free(job);
	for (int i = 0; i < job->topic.near_count; i++)
		free(job->topic.near_topics[i]);
	free(job->topic.near_topics);
	free(job->topic.ranges);
	free(job->leaders);
	free(job->topic_name);
	free(job);
}

/* Runs in: a thread of its own. */
static void *
job_run(void *argument)
{
	WeirJob *job = argument;
	WeirKafka *kafka = job->kafka;
	uint64_t one = 1;

	if (job->topic_name)
		job_describe(job);
	else
		job_list(job);
	if (atomic_exchange(&job->state, JOB_DONE) == JOB_ABANDONED)
		job_destroy(job);
	(void) !write(kafka->fd, &one, sizeof(one));
	kafka_unref(kafka);
	return NULL;
}

/* `like` has what is asked for; without a topic it is a list of all. */
static WeirJob *
job_start(WeirKafka *kafka, const char *topic, WeirJob like, int timeout_ms, WeirFault *fault)
{
	WeirJob *job = calloc(1, sizeof(WeirJob));

	memset(fault, 0, sizeof(*fault));
	if (job != NULL)
	{
		*job = like;
		job->kafka = kafka;
		job->topic_name = topic ? strdup(topic) : NULL;
		job->start_us = clock_us();
		job->deadline_us = job->start_us + (int64_t) timeout_ms * 1000;
		atomic_init(&job->state, JOB_RUNNING);
		atomic_fetch_add(&kafka->references, 1);
		if ((job->topic_name || topic == NULL) && thread_start(job_run, job))
			return job;
		atomic_fetch_sub(&kafka->references, 1);
		job_destroy(job);
	}
	fault->trouble = WEIR_TROUBLE_OTHER;
	snprintf(fault->text, sizeof(fault->text), "could not start a thread");
	return NULL;
}

WeirJob *
weir_kafka_describe(WeirKafka *kafka, const char *topic, int timeout_ms, WeirFault *fault)
{
	return job_start(kafka, topic, (WeirJob){0}, timeout_ms, fault);
}

WeirJob *
weir_kafka_describe_at(WeirKafka *kafka, const char *topic, int64_t time_ms, int timeout_ms,
					   WeirFault *fault)
{
	WeirJob like = {.has_time = true, .time_ms = time_ms};

	return job_start(kafka, topic, like, timeout_ms, fault);
}

WeirJob *
weir_kafka_survey(WeirKafka *kafka, const char *topic, int timeout_ms, WeirFault *fault)
{
	return job_start(kafka, topic, (WeirJob){.is_survey = true}, timeout_ms, fault);
}

WeirJob *
weir_kafka_list(WeirKafka *kafka, bool with_ends, int timeout_ms, WeirFault *fault)
{
	return job_start(kafka, NULL, (WeirJob){.with_ends = with_ends}, timeout_ms, fault);
}

bool
weir_job_is_done(WeirJob *job)
{
	return atomic_load(&job->state) == JOB_DONE;
}

const WeirTopic *
weir_job_topic(WeirJob *job, WeirFault *fault)
{
	*fault = job->fault;
	if (!job->is_found)
		return NULL;
	heard(job->kafka);
	return &job->topic;
}

const WeirList *
weir_job_list(WeirJob *job, WeirFault *fault)
{
	*fault = job->fault;
	if (!job->is_found)
		return NULL;
	heard(job->kafka);
	return &job->list;
}

const WeirTopic *
weir_job_near(WeirJob *job)
{
	return &job->topic;
}

void
weir_job_free(WeirJob *job)
{
	if (atomic_exchange(&job->state, JOB_ABANDONED) == JOB_DONE)
		job_destroy(job);
}

/*
 * Reading
 */

static rd_kafka_topic_t *
topic_open(WeirKafka *kafka, const char *name, WeirFault *fault)
{
	if (kafka->topic && strcmp(rd_kafka_topic_name(kafka->topic), name) != 0)
	{
		rd_kafka_topic_destroy(kafka->topic);
		kafka->topic = NULL;
	}
	if (kafka->topic == NULL)
		kafka->topic = rd_kafka_topic_new(kafka->rk, name, NULL);
	if (kafka->topic == NULL)
		fault_set(kafka, fault, rd_kafka_last_error(), NULL);
	return kafka->topic;
}

bool
weir_kafka_start(WeirKafka *kafka, const char *topic_name, int32_t partition, int64_t offset,
				 WeirFault *fault)
{
	rd_kafka_topic_t *topic = topic_open(kafka, topic_name, fault);
	int32_t *started;

	if (topic == NULL)
		return false;
	started = realloc(kafka->started, sizeof(int32_t) * (size_t) (kafka->started_count + 1));
	if (started == NULL || rd_kafka_consume_start_queue(topic, partition, offset, kafka->queue))
	{
		fault_set(kafka, fault, rd_kafka_last_error(), NULL);
		if (started)
			kafka->started = started;
		return false;
	}
	kafka->started = started;
	kafka->started[kafka->started_count++] = partition;
	return true;
}

/* A full local queue puts librdkafka's fetcher to sleep for up to a second, however soon it is
 * empty again. From 2.2 on a setting shortens that; before, it is woken. Before the caller waits, it
 * must have been woken since messages were taken, or it sleeps on beside an empty queue. */
static void
nudge(WeirKafka *kafka, rd_kafka_queue_t *queue, bool is_starved)
{
	int64_t now_us;

	if (kafka->has_fetch_backoff || rd_kafka_queue_length(queue) > (size_t) kafka->low_mark)
		return;
	now_us = clock_us();
	if (now_us - kafka->nudged_us < 1000 && !is_starved)
		return;
	kafka->nudged_us = now_us;
	kafka->has_taken = false;
	weir_kafka_wake(kafka);
}

void
weir_kafka_rest(WeirKafka *kafka)
{
	if (kafka->has_fetch_backoff || !kafka->has_taken)
		return;
	kafka->has_taken = false;
	weir_kafka_wake(kafka);
}

/* A message was written on another processor, and its timestamp lies in another line of the cache. */
static void
prefetch(const rd_kafka_message_t *raw)
{
	__builtin_prefetch(raw);
	__builtin_prefetch((const char *) raw + 64);
}

static void
timestamp_fill(WeirMessage *message, const rd_kafka_message_t *raw)
{
	rd_kafka_timestamp_type_t type;

	message->timestamp_ms = rd_kafka_message_timestamp(raw, &type);
	message->timestamp_type = type == RD_KAFKA_TIMESTAMP_CREATE_TIME       ? WEIR_TIMESTAMP_CREATE
							  : type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? WEIR_TIMESTAMP_APPEND
																		   : WEIR_TIMESTAMP_NONE;
}

static void
message_fill(WeirKafka *kafka, WeirMessage *message, const rd_kafka_message_t *raw)
{
	message->partition = raw->rkt ? raw->partition : -1;
	message->offset = raw->offset;
	message->payload = raw->payload;
	message->payload_len = raw->len;
	message->key = raw->key;
	message->key_len = raw->key_len;
	message->origin = raw;
	if (raw->err == RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		message->arrival = WEIR_ARRIVAL_MESSAGE;
		timestamp_fill(message, raw);
	}
	else if (raw->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		message->arrival = WEIR_ARRIVAL_END;
	else
	{
		message->arrival = WEIR_ARRIVAL_FAULT;
		fault_set(kafka, &kafka->fault, raw->err, rd_kafka_message_errstr(raw));
	}
}

int
weir_kafka_fetch(WeirKafka *kafka, int max, const WeirMessage **messages)
{
	ssize_t count;

	weir_kafka_release(kafka);
	count = rd_kafka_consume_batch_queue(kafka->queue, 0, kafka->raw,
										 (size_t) (max < WEIR_FETCH_MAX ? max : WEIR_FETCH_MAX));
	kafka->raw_count = count > 0 ? (int) count : 0;
	if (kafka->raw_count > 0)
	{
		heard(kafka);
		kafka->has_taken = true;
	}
	for (int i = 0; i < kafka->raw_count; i++)
		message_fill(kafka, &kafka->messages[i], kafka->raw[i]);
	nudge(kafka, kafka->queue, kafka->raw_count == 0 && kafka->has_taken);
	*messages = kafka->messages;
	return kafka->raw_count;
}

void
weir_message_fault(const WeirKafka *kafka, const WeirMessage *message, WeirFault *fault)
{
	const rd_kafka_message_t *raw = message->origin;

	fault_set(kafka, fault, raw->err, rd_kafka_message_errstr(raw));
}

void
weir_kafka_release(WeirKafka *kafka)
{
	for (int i = 0; i < kafka->raw_count; i++)
		rd_kafka_message_destroy(kafka->raw[i]);
	kafka->raw_count = 0;
}

/*
 * Reading each partition for itself
 */

static Lane *
lane_new(int batch_max)
{
	Lane *lane = calloc(1, sizeof(Lane));

	if (lane == NULL)
		return NULL;
	lane->batch_max = batch_max;
	lane->raw = malloc(sizeof(rd_kafka_message_t *) * (size_t) batch_max);
	lane->messages = malloc(sizeof(WeirMessage) * (size_t) batch_max);
	if (lane->raw && lane->messages)
		return lane;
	lane_free(lane);
	return NULL;
}

/* Result: the partition's lane, stopped, or NULL: out of memory. */
static Lane *
lane_open(WeirKafka *kafka, int32_t partition, int batch_max)
{
	if (partition >= kafka->lane_count)
	{
		size_t size = sizeof(Lane *) * (size_t) (partition + 1);
		Lane **lanes = realloc(kafka->lanes, size);

		if (lanes == NULL)
			return NULL;
		kafka->lanes = lanes;
		while (kafka->lane_count <= partition)
			lanes[kafka->lane_count++] = NULL;
	}
	lane_stop(kafka, partition);
	if (kafka->lanes[partition] == NULL)
		kafka->lanes[partition] = lane_new(batch_max);
	return kafka->lanes[partition];
}

bool
weir_kafka_partition_start(WeirKafka *kafka, const char *topic_name, int32_t partition,
						   int64_t offset, int batch_max, WeirFault *fault)
{
	static const uint64_t one = 1;
	rd_kafka_topic_t *topic = topic_open(kafka, topic_name, fault);
	Lane *lane;

	if (topic == NULL)
		return false;
	lane = lane_open(kafka, partition, batch_max);
	if (lane)
		lane->queue = rd_kafka_queue_get_partition(kafka->rk, topic_name, partition);
	if (lane == NULL || lane->queue == NULL)
	{
		fault_set(kafka, fault, RD_KAFKA_RESP_ERR__FAIL, NULL);
		return false;
	}
	rd_kafka_queue_io_event_enable(lane->queue, kafka->fd, &one, sizeof(one));
	if (rd_kafka_consume_start(topic, partition, offset))
	{
		fault_set(kafka, fault, rd_kafka_last_error(), NULL);
		return false;
	}
	lane->is_started = true;
	return true;
}

void
weir_kafka_partition_stop(WeirKafka *kafka, int32_t partition)
{
	if (partition < kafka->lane_count)
		lane_stop(kafka, partition);
}

static Lane *
lane_of(const WeirKafka *kafka, int32_t partition)
{
	Lane *lane = partition < kafka->lane_count ? kafka->lanes[partition] : NULL;

	return lane && lane->is_started ? lane : NULL;
}

int
weir_kafka_partition_fetch(WeirKafka *kafka, int32_t partition, const WeirMessage **messages)
{
	Lane *lane = lane_of(kafka, partition);
	ssize_t count;

	*messages = NULL;
	if (lane == NULL)
		return 0;
	lane_release(lane);
	/* An empty queue costs ten times as much to fetch from as to ask. */
	if (rd_kafka_queue_length(lane->queue) == 0)
		return 0;
	count = rd_kafka_consume_batch_queue(lane->queue, 0, lane->raw, (size_t) lane->batch_max);
	lane->raw_count = count > 0 ? (int) count : 0;
	if (lane->raw_count > 0)
	{
		heard(kafka);
		kafka->has_taken = true;
		nudge(kafka, lane->queue, false);
	}
	for (int i = 0; i < lane->raw_count; i++)
	{
		if (i + AT_ONCE < lane->raw_count)
			prefetch(lane->raw[i + AT_ONCE]);
		message_fill(kafka, &lane->messages[i], lane->raw[i]);
	}
	*messages = lane->messages;
	return lane->raw_count;
}

bool
weir_kafka_partition_has(const WeirKafka *kafka, int32_t partition)
{
	const Lane *lane = lane_of(kafka, partition);

	return lane && rd_kafka_queue_length(lane->queue) > 0;
}

int64_t
weir_kafka_partition_high(const WeirKafka *kafka, int32_t partition)
{
	int64_t low;
	int64_t high;

	if (lane_of(kafka, partition) == NULL ||
		rd_kafka_get_watermark_offsets(kafka->rk, rd_kafka_topic_name(kafka->topic), partition,
									   &low, &high) ||
		high < 0)
		return -1;
	return high;
}

/*
 * What a message carries beside key and payload
 */

bool
weir_message_header(const WeirMessage *message, size_t i, WeirHeader *header)
{
	rd_kafka_headers_t *headers;
	const void *value;

	if (message->origin == NULL || rd_kafka_message_headers(message->origin, &headers) ||
		rd_kafka_header_get_all(headers, i, &header->name, &value, &header->value_len))
		return false;
	header->value = value;
	return true;
}

/*
 * Writing
 */

/* Result: NULL when there are none. */
static rd_kafka_headers_t *
headers_make(const WeirHeader *headers, size_t count)
{
	rd_kafka_headers_t *made = count > 0 ? rd_kafka_headers_new(count) : NULL;

	for (size_t i = 0; i < count; i++)
		rd_kafka_header_add(made, headers[i].name, -1, headers[i].value,
							headers[i].value ? (ssize_t) headers[i].value_len : 0);
	return made;
}

bool
weir_kafka_produce(WeirKafka *kafka, const char *topic_name, int32_t partition,
				   int64_t timestamp_ms, const char *key, size_t key_len, const char *payload,
				   size_t payload_len, const WeirHeader *headers, size_t header_count,
				   WeirFault *fault)
{
	rd_kafka_topic_t *topic = topic_open(kafka, topic_name, fault);
	rd_kafka_headers_t *made;
	rd_kafka_resp_err_t err;

	if (topic == NULL)
		return false;
	made = headers_make(headers, header_count);
	err = rd_kafka_producev(kafka->rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
							RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key, key_len),
							RD_KAFKA_V_VALUE((void *) (uintptr_t) payload, payload_len),
							RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_HEADERS(made),
							RD_KAFKA_V_END);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
	{
		kafka->delivery.produced++;
		return true;
	}
	if (made)
		rd_kafka_headers_destroy(made); /* it is librdkafka's only if the message is */
	fault_set(kafka, fault, err, NULL);
	if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		fault->trouble = WEIR_TROUBLE_TIMEOUT;
	return false;
}

const WeirDelivery *
weir_kafka_delivery(const WeirKafka *kafka)
{
	return &kafka->delivery;
}

void
weir_kafka_offer_offsets(WeirKafka *kafka, const int64_t *offsets, int count)
{
	rd_kafka_topic_partition_list_t *list;

	if (kafka->topic == NULL)
		return;
	list = rd_kafka_topic_partition_list_new(count);
	for (int i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(list, rd_kafka_topic_name(kafka->topic), i)->offset =
			offsets[i];
	/* what could be wrong is told by on_offsets() */
	(void) rd_kafka_commit(kafka->rk, list, true);
	rd_kafka_topic_partition_list_destroy(list);
}
