/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Replay files.  A file holds a schedule as a list of decisions.  It also names
 * the program, the arguments and the settings that the schedule belongs to.
 */

#include <sys/utsname.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/sim.h>

#define	FORMAT	"wqsim replay 2"

/* The FNV-1a hash. */
static uint64_t
hash(uint64_t h, const void *p, size_t size)
{
	const unsigned char *c = p;

	while (size-- > 0)
		h = (h ^ *c++) * 0x100000001b3U;
	return h;
}

static uint64_t
hash_program(void)
{
	char buf[4096];
	uint64_t h = 0xcbf29ce484222325U;
	size_t n;
	FILE *fp;

	if ((fp = fopen("/proc/self/exe", "re")) == NULL)
		return 0;
	while ((n = fread(buf, 1, sizeof(buf), fp)) > 0)
		h = hash(h, buf, n);
	(void)fclose(fp);
	return h;
}

static uint64_t
hash_arguments(int argc, char **argv)
{
	uint64_t h = 0xcbf29ce484222325U;
	int i;

	/* Skip argv[0], which may be another path to the same program. */
	for (i = 1; i < argc; i++)
		h = hash(h, argv[i], strlen(argv[i]) + 1);
	return h;
}

static const char *
machine(void)
{
	static struct utsname un;

	if (uname(&un) == -1)
		return "unknown";
	return un.machine;
}

static void
replay_die(const char *file, const char *what)
{

	sim_printf("wqsim: %s: %s\n", file, what);
	_exit(SIM_EXIT_USAGE);
}

void
sim_replay_write(const char *file, uint64_t seed, int argc, char **argv)
{
	const struct sim_settings *ss = &sim.sim_set;
	const struct sim_decision *sd;
	unsigned i, n;
	bool inrun;
	FILE *fp;
	int error = 0;

	if ((fp = fopen(file, "we")) == NULL)
		replay_die(file, strerror(errno));
	n = sim_list_get(&sd, &inrun);
	(void)fprintf(fp, "%s\nversion %s\nmachine %s\nprogram %016" PRIx64
	    "\narguments %016" PRIx64 "\nmodel %s\nbudget %" PRIu64 "\n"
	    "timeout %" PRId64 "\nfailures %u\ninterrupts %u\n"
	    "seed %" PRIu64 "\nrun %d\nexit %d\n", FORMAT,
	    SIM_VERSION, machine(), hash_program(),
	    hash_arguments(argc, argv), ss->ss_model,
	    ss->ss_budget, ss->ss_jump,
	    ss->ss_faults, ss->ss_interrupts, seed, inrun,
	    ss->ss_mayexit);
	for (i = 0; i < n; i++)
		(void)fprintf(fp, "%s %" PRIu32 " %" PRIu64 " %" PRIu32 "\n",
		    sd[i].sd_choice != 0 ? "choice" : "switch",
		    sd[i].sd_thread, sd[i].sd_step, sd[i].sd_value);
	(void)fprintf(fp, "end\n");
	if (ferror(fp))
		error = EIO;
	if (fclose(fp) != 0 && error == 0)
		error = errno;
	if (error != 0)
		replay_die(file, strerror(error));
}

/* Read a line of the file, and exit unless it is as expected. */
static void
replay_expect(FILE *fp, const char *file, const char *key, const char *value,
    const char *what)
{
	char line[256];
	size_t len = strlen(key);

	if (fgets(line, sizeof(line), fp) == NULL)
		replay_die(file, "the file is cut off");
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, key, len) != 0)
		replay_die(file, "not a replay file");
	if (strcmp(line + len, value) != 0) {
		sim_printf("wqsim: %s: the schedule is of %s: \"%s\", not "
		    "\"%s\"\n", file, what, line + len, value);
		_exit(SIM_EXIT_USAGE);
	}
}

/*
 * Read a file, and set the settings and the list.  Exit on an error.
 */
void
sim_replay_read(const char *file, int argc, char **argv)
{
	static struct sim_decision list[SIM_DECISIONS];
	struct sim_settings *ss = &sim.sim_set;
	struct sim_decision sd;
	char line[256], kind[16], text[32];
	unsigned n = 0;
	int inrun, mayexit;
	FILE *fp;

	if ((fp = fopen(file, "re")) == NULL)
		replay_die(file, strerror(errno));
	if (fgets(line, sizeof(line), fp) == NULL ||
	    strncmp(line, "wqsim replay ", 13) != 0)
		replay_die(file, "not a replay file");
	if (strcmp(line, FORMAT "\n") != 0)
		replay_die(file, "a replay file of another format");
	replay_expect(fp, file, "version ", SIM_VERSION, "another version");
	replay_expect(fp, file, "machine ", machine(),
	    "another architecture");
	(void)snprintf(text, sizeof(text), "%016" PRIx64, hash_program());
	replay_expect(fp, file, "program ", text, "another program");
	(void)snprintf(text, sizeof(text), "%016" PRIx64,
	    hash_arguments(argc, argv));
	replay_expect(fp, file, "arguments ", text, "other arguments");
	if (fscanf(fp, "model %15s budget %" SCNu64 " timeout %" SCNd64
	    " failures %u interrupts %u seed %" SCNu64 " run %d "
	    "exit %d ",
	    ss->ss_model, &ss->ss_budget, &ss->ss_jump, &ss->ss_faults,
	    &ss->ss_interrupts, &ss->ss_seed, &inrun, &mayexit) != 8)
		replay_die(file, "not a replay file");
	while (fscanf(fp, "%15s", kind) == 1 && strcmp(kind, "end") != 0) {
		memset(&sd, 0, sizeof(sd));
		if (fscanf(fp, "%" SCNu32 " %" SCNu64 " %" SCNu32,
		    &sd.sd_thread, &sd.sd_step, &sd.sd_value) != 3 ||
		    n == SIM_DECISIONS ||
		    (strcmp(kind, "choice") != 0 &&
		    strcmp(kind, "switch") != 0))
			replay_die(file, "not a replay file");
		sd.sd_choice = strcmp(kind, "choice") == 0;
		list[n++] = sd;
	}
	if (strcmp(kind, "end") != 0)
		replay_die(file, "the file is cut off");
	(void)fclose(fp);
	ss->ss_mayexit = mayexit != 0;
	sim_list_set(list, n, inrun != 0);
}
