/* SPDX-License-Identifier: PostgreSQL
 *
 * weir-broker: a small Kafka cluster in one process, for tests and the demo.
 *
 * It is librdkafka's mock cluster with a handle to turn: no JVM, ready in milliseconds, and it can be
 * told to fail. With a command behind "--" it lives as long as that command (pg_regress uses it as
 * its launcher); without, it obeys lines on stdin until they end.
 *
 * What the mock cannot do, and so this cannot: hide aborted transactions, look up offsets by time,
 * create topics through the admin protocol, keep more than 5 MiB a partition, listen beyond
 * 127.0.0.1. Whoever asks about a topic that is not there creates it, with 4 partitions; the command
 * topic-error makes one unknown. An idle fetch is answered after the client's own fetch.wait.max.ms,
 * so clients in tests set that to 10.
 */
#define _GNU_SOURCE
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_BROKERS 100
#define MAX_PARTITIONS 10000
#define MAX_TOPICS 256
#define MAX_WORDS 8
#define MAX_TOPIC_NAME 249 /* Kafka's own limit */

typedef struct Settings
{
	long brokers;
	bool is_verbose;
	char *topics[MAX_TOPICS]; /* NAME:PARTITIONS */
	int ntopics;
	char **command; /* NULL: obey stdin */
} Settings;

typedef struct Cluster
{
	rd_kafka_t *handle; /* the mock lives inside it; it connects to nothing */
	rd_kafka_mock_cluster_t *mock;
	long brokers;
} Cluster;

/* A command takes its words and leaves an answer: true and a value or nothing, or false and why. */
typedef struct Answer
{
	char text[1024];
} Answer;

typedef bool (*CommandFunction)(Cluster *cluster, char **words, int nwords, Answer *answer);

typedef struct Command
{
	const char *name;
	const char *usage;
	const char *help;
	int min_words; /* behind the name */
	int max_words;
	CommandFunction run;
} Command;

static void
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("weir-broker: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(2);
}

static bool
refuse(Answer *answer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(answer->text, sizeof(answer->text), format, args);
	va_end(args);
	return false;
}

/* ------------------------------------------------------------------------------------------------
 * Words: numbers and names
 */

static bool
number_parse(const char *word, long min, long max, long *value)
{
	char *end;

	errno = 0;
	*value = strtol(word, &end, 10);
	return errno == 0 && end != word && *end == '\0' && *value >= min && *value <= max;
}

static bool
topic_name_is_valid(const char *name)
{
	size_t length =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return length > 0 && length <= MAX_TOPIC_NAME && name[length] == '\0' &&
		   strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* The requests that the mock answers. */
static const struct
{
	const char *name;
	int16_t key;
} apis[] = {
	{"Produce", 0},          {"Fetch", 1},
	{"ListOffsets", 2},      {"Metadata", 3},
	{"OffsetCommit", 8},     {"OffsetFetch", 9},
	{"FindCoordinator", 10}, {"JoinGroup", 11},
	{"Heartbeat", 12},       {"LeaveGroup", 13},
	{"SyncGroup", 14},       {"ApiVersions", 18},
	{"InitProducerId", 22},  {"AddPartitionsToTxn", 24},
	{"AddOffsetsToTxn", 25}, {"EndTxn", 26},
	{"TxnOffsetCommit", 28},
};

static bool
api_parse(const char *word, int16_t *key, Answer *answer)
{
	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++)
	{
		if (strcasecmp(word, apis[i].name) == 0)
		{
			*key = apis[i].key;
			return true;
		}
	}
	return refuse(answer,
				  "unknown request \"%s\": the mock answers Produce, Fetch, ListOffsets, "
				  "Metadata, InitProducerId and others, see --help",
				  word);
}

/* librdkafka's own names, NOT_LEADER_FOR_PARTITION; local ones begin with an underscore. */
static bool
error_parse(const char *word, rd_kafka_resp_err_t *err, Answer *answer)
{
	const struct rd_kafka_err_desc *descs;
	size_t count;

	rd_kafka_get_err_descs(&descs, &count);
	for (size_t i = 0; i < count; i++)
	{
		if (descs[i].name != NULL && strcasecmp(word, descs[i].name) == 0)
		{
			*err = descs[i].code;
			return true;
		}
	}
	return refuse(answer,
				  "unknown error \"%s\": write it as librdkafka does, "
				  "like NOT_LEADER_FOR_PARTITION, _TRANSPORT or NO_ERROR",
				  word);
}

/* Result: a broker's id, or -1 for "all". */
static bool
broker_parse(const Cluster *cluster, const char *word, int32_t *id, Answer *answer)
{
	long value = -1;

	if (strcasecmp(word, "all") != 0 && !number_parse(word, 1, cluster->brokers, &value))
		return refuse(answer, "no broker \"%s\": brokers are 1 to %ld, or all", word,
					  cluster->brokers);
	*id = (int32_t) value;
	return true;
}

static bool
partition_parse(const char *topic, const char *word, int32_t *partition, Answer *answer)
{
	long value;

	if (!topic_name_is_valid(topic))
		return refuse(answer, "\"%s\" is not a topic name", topic);
	if (!number_parse(word, 0, MAX_PARTITIONS - 1, &value))
		return refuse(answer, "\"%s\" is not a partition", word);
	*partition = (int32_t) value;
	return true;
}

static bool
count_parse(const char *word, const char *what, long max, long *value, Answer *answer)
{
	if (!number_parse(word, 0, max, value))
		return refuse(answer, "%s is 0 to %ld, not \"%s\"", what, max, word);
	return true;
}

static bool
result_of(rd_kafka_resp_err_t err, Answer *answer)
{
	return err == RD_KAFKA_RESP_ERR_NO_ERROR ? true : refuse(answer, "%s", rd_kafka_err2str(err));
}

/* ------------------------------------------------------------------------------------------------
 * Commands
 */

static bool
topic_create(Cluster *cluster, const char *name, const char *partitions, const char *replication,
			 Answer *answer)
{
	long npartitions;
	long nreplicas = cluster->brokers < 3 ? cluster->brokers : 3;

	if (!topic_name_is_valid(name))
		return refuse(answer, "\"%s\" is not a topic name", name);
	if (!number_parse(partitions, 1, MAX_PARTITIONS, &npartitions))
		return refuse(answer, "partitions are 1 to %d, not \"%s\"", MAX_PARTITIONS, partitions);
	if (replication != NULL && !number_parse(replication, 1, cluster->brokers, &nreplicas))
		return refuse(answer, "replication is 1 to %ld, not \"%s\"", cluster->brokers, replication);
	return result_of(
		rd_kafka_mock_topic_create(cluster->mock, name, (int) npartitions, (int) nreplicas),
		answer);
}

static bool
command_topic(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	return topic_create(cluster, words[0], words[1], nwords > 2 ? words[2] : NULL, answer);
}

static bool
command_down(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	int32_t id = 0;

	(void) nwords;
	return broker_parse(cluster, words[0], &id, answer) &&
		   result_of(rd_kafka_mock_broker_set_down(cluster->mock, id), answer);
}

static bool
command_up(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	int32_t id = 0;

	(void) nwords;
	return broker_parse(cluster, words[0], &id, answer) &&
		   result_of(rd_kafka_mock_broker_set_up(cluster->mock, id), answer);
}

static bool
command_rtt(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	int32_t id = 0;
	long rtt_ms;

	(void) nwords;
	return broker_parse(cluster, words[0], &id, answer) &&
		   count_parse(words[1], "milliseconds", 3600000, &rtt_ms, answer) &&
		   result_of(rd_kafka_mock_broker_set_rtt(cluster->mock, id, (int) rtt_ms), answer);
}

/* "none" leaves the partition without a leader. */
static bool
command_leader(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	int32_t partition;
	int32_t id = -1;

	(void) nwords;
	if (!partition_parse(words[0], words[1], &partition, answer))
		return false;
	if (strcasecmp(words[2], "all") == 0)
		return refuse(answer, "a partition has one leader, or none");
	if (strcasecmp(words[2], "none") != 0 && !broker_parse(cluster, words[2], &id, answer))
		return false;
	return result_of(rd_kafka_mock_partition_set_leader(cluster->mock, words[0], partition, id),
					 answer);
}

/* Moves what consumers see as the partition's ends; "follower" must have named a broker before. */
static bool
command_ends(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	int32_t partition;
	long low;
	long high;

	(void) nwords;
	if (!partition_parse(words[0], words[1], &partition, answer))
		return false;
	if (!number_parse(words[2], -1, 1L << 62, &low) || !number_parse(words[3], -1, 1L << 62, &high))
		return refuse(answer, "an end is an offset, or -1 for the leader's own");
	return result_of(
		rd_kafka_mock_partition_set_follower_wmarks(cluster->mock, words[0], partition, low, high),
		answer);
}

static bool
command_follower(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	int32_t partition;
	int32_t id = 0;

	(void) nwords;
	return partition_parse(words[0], words[1], &partition, answer) &&
		   broker_parse(cluster, words[2], &id, answer) &&
		   result_of(rd_kafka_mock_partition_set_follower(cluster->mock, words[0], partition, id),
					 answer);
}

/* Queues one answer more for a broker's next requests of a kind: an error, a delay or both. */
static bool
answers_push(Cluster *cluster, int32_t id, int16_t api, long count, rd_kafka_resp_err_t err,
			 long rtt_ms, Answer *answer)
{
	rd_kafka_resp_err_t result = RD_KAFKA_RESP_ERR_NO_ERROR;

	for (long i = 0; i < count && result == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		result = rd_kafka_mock_broker_push_request_error_rtts(cluster->mock, id, api, 1, err,
															  (int) rtt_ms);
	return result_of(result, answer);
}

static bool
command_error(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	int16_t api = 0;
	long count;
	rd_kafka_resp_err_t err;

	(void) nwords;
	if (!api_parse(words[0], &api, answer) ||
		!count_parse(words[1], "a count", 1000000, &count, answer) ||
		!error_parse(words[2], &err, answer))
		return false;
	for (long i = 0; i < count; i++)
		rd_kafka_mock_push_request_errors(cluster->mock, api, 1, err);
	return true;
}

static bool
command_broker_error(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	int32_t id = 0;
	int16_t api = 0;
	long count;
	long rtt_ms = 0;
	rd_kafka_resp_err_t err;

	return broker_parse(cluster, words[0], &id, answer) && api_parse(words[1], &api, answer) &&
		   count_parse(words[2], "a count", 1000000, &count, answer) &&
		   error_parse(words[3], &err, answer) &&
		   (nwords < 5 || count_parse(words[4], "milliseconds", 3600000, &rtt_ms, answer)) &&
		   answers_push(cluster, id, api, count, err, rtt_ms, answer);
}

static bool
command_clear(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	int16_t api = 0;

	(void) nwords;
	if (!api_parse(words[0], &api, answer))
		return false;
	rd_kafka_mock_clear_request_errors(cluster->mock, api);
	return true;
}

static bool
command_topic_error(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	rd_kafka_resp_err_t err;

	(void) nwords;
	if (!topic_name_is_valid(words[0]))
		return refuse(answer, "\"%s\" is not a topic name", words[0]);
	if (!error_parse(words[1], &err, answer))
		return false;
	rd_kafka_mock_topic_set_error(cluster->mock, words[0], err);
	return true;
}

static bool
command_bootstrap(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	(void) words;
	(void) nwords;
	snprintf(answer->text, sizeof(answer->text), "%s",
			 rd_kafka_mock_cluster_bootstraps(cluster->mock));
	return true;
}

static bool command_help(Cluster *cluster, char **words, int nwords, Answer *answer);

static const Command commands[] = {
	{"topic", " NAME PARTITIONS [REPLICATION]", "create a topic", 2, 3, command_topic},
	{"down", " BROKER|all", "drop its connections, take no new ones", 1, 1, command_down},
	{"up", " BROKER|all", "take connections again", 1, 1, command_up},
	{"rtt", " BROKER|all MS", "delay every answer", 2, 2, command_rtt},
	{"leader", " TOPIC PARTITION BROKER|none", "move a partition", 3, 3, command_leader},
	{"follower", " TOPIC PARTITION BROKER", "let consumers fetch there", 3, 3, command_follower},
	{"ends", " TOPIC PARTITION LOW HIGH", "the follower's offsets, -1 for true", 4, 4,
	 command_ends},
	{"error", " REQUEST COUNT ERROR", "answer the next COUNT so", 3, 3, command_error},
	{"broker-error", " BROKER REQUEST COUNT ERROR [MS]", "the same at one broker, after MS", 4, 5,
	 command_broker_error},
	{"clear", " REQUEST", "forget errors not yet given", 1, 1, command_clear},
	{"topic-error", " TOPIC ERROR", "the topic's error in metadata", 2, 2, command_topic_error},
	{"bootstrap", "", "the address again", 0, 0, command_bootstrap},
	{"help", "", "the commands' names", 0, 0, command_help},
	{NULL, NULL, NULL, 0, 0, NULL},
};

static bool
command_help(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	size_t length = 0;

	(void) cluster;
	(void) words;
	(void) nwords;
	for (const Command *command = commands; command->name != NULL; command++)
		length += (size_t) snprintf(answer->text + length, sizeof(answer->text) - length, "%s ",
									command->name);
	snprintf(answer->text + length, sizeof(answer->text) - length, "quit");
	return true;
}

/* Runs one line; the answer tells which command refused and how it is written. */
static bool
line_run(Cluster *cluster, char **words, int nwords, Answer *answer)
{
	for (const Command *command = commands; command->name != NULL; command++)
	{
		if (strcmp(words[0], command->name) != 0)
			continue;
		if (nwords - 1 < command->min_words || nwords - 1 > command->max_words)
			return refuse(answer, "usage: %s%s", command->name, command->usage);
		return command->run(cluster, words + 1, nwords - 1, answer);
	}
	return refuse(answer, "unknown command \"%s\", try help", words[0]);
}

static void
stdin_obey(Cluster *cluster)
{
	char *line = NULL;
	size_t size = 0;

	printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster->mock));
	fflush(stdout);
	while (getline(&line, &size, stdin) >= 0)
	{
		char *words[MAX_WORDS];
		int nwords = 0;
		char *rest = NULL;
		Answer answer = {""};

		for (char *word = strtok_r(line, " \t\r\n", &rest); word != NULL && nwords < MAX_WORDS;
			 word = strtok_r(NULL, " \t\r\n", &rest))
			words[nwords++] = word;
		if (nwords == 0)
			continue;
		if (strcmp(words[0], "quit") == 0)
		{
			printf("ok\n");
			break;
		}
		if (!line_run(cluster, words, nwords, &answer))
			printf("error: %s\n", answer.text);
		else
			printf("ok%s%s\n", answer.text[0] == '\0' ? "" : " ", answer.text);
		fflush(stdout);
	}
	free(line);
}

/* ------------------------------------------------------------------------------------------------
 * The command behind "--"
 */

static int
child_wait(pid_t child, const sigset_t *signals)
{
	for (;;)
	{
		siginfo_t info;
		int status;
		int signo = sigwaitinfo(signals, &info);

		if (signo < 0)
			continue;
		/* A terminal's Ctrl-C went to the whole group, the child included. */
		if (signo != SIGCHLD && info.si_code != SI_KERNEL)
			kill(child, signo);
		if (waitpid(child, &status, WNOHANG) != child)
			continue;
		return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

/* The child is told when this process dies, so that a kill -9 here leaves nothing behind. */
static void
child_exec(char **command, const sigset_t *old_mask, pid_t broker)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != broker)
		_exit(1);
	sigprocmask(SIG_SETMASK, old_mask, NULL);
	execvp(command[0], command);
	fprintf(stderr, "weir-broker: cannot run \"%s\": %s\n", command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Also as a setting of libpq's sessions: an isolation test cannot ask for an environment variable. */
static void
environment_set(const char *bootstrap)
{
	const char *before = getenv("PGOPTIONS");
	char options[4096];

	setenv("WEIR_BOOTSTRAP", bootstrap, 1);
	snprintf(options, sizeof(options), "%s -c weir_test.bootstrap=%s", before ? before : "",
			 bootstrap);
	setenv("PGOPTIONS", options, 1);
}

/* Lock: signals are blocked already, so that none gets lost and librdkafka's threads get none. */
static int
command_supervise(Cluster *cluster, char **command, const sigset_t *signals,
				  const sigset_t *old_mask)
{
	pid_t broker = getpid();
	pid_t child;

	environment_set(rd_kafka_mock_cluster_bootstraps(cluster->mock));
	child = fork();
	if (child < 0)
		die("cannot fork: %s", strerror(errno));
	if (child == 0)
		child_exec(command, old_mask, broker);
	return child_wait(child, signals);
}

/* ------------------------------------------------------------------------------------------------
 * Start
 */

static void
log_nothing(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
	(void) handle;
	(void) level;
	(void) facility;
	(void) text;
}

static void
cluster_start(Cluster *cluster, const Settings *settings)
{
	char text[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();

	if (!settings->is_verbose)
		rd_kafka_conf_set_log_cb(conf, log_nothing);
	else if (rd_kafka_conf_set(conf, "debug", "mock", text, sizeof(text)) != RD_KAFKA_CONF_OK)
		die("%s", text);
	cluster->brokers = settings->brokers;
	cluster->handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	if (cluster->handle == NULL)
		die("cannot start librdkafka: %s", text);
	cluster->mock = rd_kafka_mock_cluster_new(cluster->handle, (int) settings->brokers);
	if (cluster->mock == NULL)
		die("cannot start a mock cluster of %ld brokers", settings->brokers);
}

static void
cluster_stop(Cluster *cluster)
{
	rd_kafka_mock_cluster_destroy(cluster->mock);
	rd_kafka_destroy(cluster->handle);
}

static void
topics_create(Cluster *cluster, Settings *settings)
{
	for (int i = 0; i < settings->ntopics; i++)
	{
		char *colon = strrchr(settings->topics[i], ':');
		Answer answer = {""};

		if (colon == NULL)
			die("--topic takes NAME:PARTITIONS, not \"%s\"", settings->topics[i]);
		*colon = '\0';
		if (!topic_create(cluster, settings->topics[i], colon + 1, NULL, &answer))
			die("cannot create topic \"%s\": %s", settings->topics[i], answer.text);
	}
}

static void
help_print(void)
{
	printf("weir-broker: a Kafka cluster in one process, for tests\n\n"
		   "  weir-broker [OPTION]... -- COMMAND [ARGUMENT]...\n"
		   "      run COMMAND with WEIR_BOOTSTRAP set, exit with its status\n"
		   "  weir-broker [OPTION]...\n"
		   "      print the bootstrap address, then obey lines on stdin until they end;\n"
		   "      each is answered by one line: ok, ok VALUE, or error: WHY\n\n"
		   "Options\n"
		   "  --brokers N               1 to %d, default 1; their ids are 1 to N\n"
		   "  --topic NAME:PARTITIONS   create a topic; may be repeated\n"
		   "  --verbose                 librdkafka's log to stderr\n"
		   "  --help                    this text\n\n"
		   "Commands\n",
		   MAX_BROKERS);
	for (const Command *command = commands; command->name != NULL; command++)
	{
		int width = printf("  %s%s", command->name, command->usage);

		printf("%*s%s\n", width < 48 ? 48 - width : 1, "", command->help);
	}
	printf("  quit\n\nRequests\n  ");
	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++)
		printf("%s%s", apis[i].name, i % 6 == 5 ? "\n  " : " ");
	printf("\n\nErrors are librdkafka's, like NOT_LEADER_FOR_PARTITION; _TRANSPORT drops the\n"
		   "connection. A client that asks for a topic creates it, with 4 partitions; to have one\n"
		   "unknown: topic-error NAME UNKNOWN_TOPIC_OR_PART.\n");
}

static void
settings_parse(int argc, char **argv, Settings *settings)
{
	static const struct option options[] = {
		{"brokers", required_argument, NULL, 'n'},
		{"topic", required_argument, NULL, 't'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1)
	{
		switch (option)
		{
			case 'n':
				if (!number_parse(optarg, 1, MAX_BROKERS, &settings->brokers))
					die("--brokers is 1 to %d, not \"%s\"", MAX_BROKERS, optarg);
				break;
			case 't':
				if (settings->ntopics == MAX_TOPICS)
					die("more than %d topics", MAX_TOPICS);
				settings->topics[settings->ntopics++] = optarg;
				break;
			case 'v':
				settings->is_verbose = true;
				break;
			case 'h':
				help_print();
				exit(0);
			default:
				die("see --help");
		}
	}
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0)
		die("unexpected \"%s\": a command stands behind --", argv[optind]);
	if (optind == argc && strcmp(argv[argc - 1], "--") == 0 && argc > 1)
		die("no command behind --");
	settings->command = optind < argc ? argv + optind : NULL;
}

int
main(int argc, char **argv)
{
	Settings settings = {.brokers = 1};
	Cluster cluster;
	sigset_t signals;
	sigset_t old_mask;
	int status = 0;

	settings_parse(argc, argv, &settings);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (settings.command != NULL)
	{
		sigemptyset(&signals);
		sigaddset(&signals, SIGINT);
		sigaddset(&signals, SIGTERM);
		sigaddset(&signals, SIGHUP);
		sigaddset(&signals, SIGCHLD);
		sigprocmask(SIG_BLOCK, &signals, &old_mask);
	}
	cluster_start(&cluster, &settings);
	topics_create(&cluster, &settings);
	if (settings.command != NULL)
		status = command_supervise(&cluster, settings.command, &signals, &old_mask);
	else
		stdin_obey(&cluster);
	cluster_stop(&cluster);
	return status;
}
