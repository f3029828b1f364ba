/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * wqsim(1): run a program in the simulator.  The simulator is a library, which
 * takes the place of libworkqueue and of parts of the C library.  wqsim
 * preloads this library, passes the settings to it, and executes the program.
 */

#include <sys/stat.h>
#include <sys/xattr.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define	EXIT_USAGE	2
#define	LIBRARY		"workqueue-sim/libworkqueue.so.0"

static char settings[8192];

static void
usage(void)
{

	(void)fprintf(stderr,
	    "usage: wqsim [-dekov] [-b points] [-f failure] [-H file] "
	    "[-i number] [-j file]\n"
	    "             [-m model] [-n schedules] [-S seed] [-s strategy] "
	    "[-w file]\n"
	    "             program [argument ...]\n"
	    "       wqsim -r replay [-ev] [-b points] [-f failure] [-H file] "
	    "[-i number]\n"
	    "             [-j file] [-w file] program [argument ...]\n"
	    "       wqsim -r file [-v] [-H file] [-j file] [-w file] program "
	    "[argument ...]\n"
	    "       wqsim -l\n");
	exit(EXIT_USAGE);
}

static void
die(const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(stderr, "wqsim: ");
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "\n");
	exit(EXIT_USAGE);
}

/* Append to the settings: WQSIM=n=1000,s=random ... */
static void
set(const char *field, const char *value)
{
	size_t n = strlen(settings), room = sizeof(settings) - n;
	int len;

	if (strchr(value, ',') != NULL)
		die("%s: a comma is not permitted", value);
	len = snprintf(settings + n, room, "%s%s%s", n > 0 ? "," : "", field,
	    value);
	if (len < 0 || (size_t)len >= room)
		die("%s: too long", value);
}

/* Set what -r selects: a file, or strategy,model,seed.  Return 1 for a file. */
static int
set_replay(char *arg)
{
	char *model, *seed;

	set("R", "");
	if (strchr(arg, ',') == NULL && access(arg, R_OK) == 0) {
		set("r=", arg);
		set("o", "");
		return 1;
	}
	model = strchr(arg, ',');
	seed = model != NULL ? strchr(model + 1, ',') : NULL;
	if (seed == NULL)
		die("%s: neither a replay file nor a strategy, a memory model "
		    "and a seed, with commas between", arg);
	*model++ = *seed++ = '\0';
	set("s=", arg);
	set("m=", model);
	set("S=", seed);
	set("n=", "1");
	set("o", "");
	return 0;
}

/*
 * Find the simulator: in ../lib from this program, or where it was installed.
 */
static void
library(char *path, size_t size)
{
	char dir[PATH_MAX], *slash;
	ssize_t len;

	len = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	if (len > 0) {
		dir[len] = '\0';
		slash = strrchr(dir, '/');
		*slash = '\0';
		if ((size_t)snprintf(path, size, "%s/../lib/%s", dir,
		    LIBRARY) < size && access(path, R_OK) == 0)
			return;
	}
	(void)snprintf(path, size, "%s/%s", WQSIM_LIBDIR, LIBRARY);
	if (access(path, R_OK) == -1)
		die("%s: %s", path, strerror(errno));
}

/* Find the program as execvp(3) does. */
static void
find(const char *name, char *path, size_t size)
{
	const char *dirs, *end;
	size_t len;

	if (strchr(name, '/') != NULL) {
		(void)snprintf(path, size, "%s", name);
		return;
	}
	if ((dirs = getenv("PATH")) == NULL)
		dirs = "/usr/bin:/bin";
	for (; *dirs != '\0'; dirs = *end == ':' ? end + 1 : end) {
		end = strchrnul(dirs, ':');
		len = (size_t)(end - dirs);
		if ((size_t)snprintf(path, size, "%.*s%s%s", (int)len, dirs,
		    len > 0 ? "/" : "", name) < size &&
		    access(path, X_OK) == 0)
			return;
	}
	die("%s: not found", name);
}

/* Refuse a program that would ignore the simulator. */
static void
check(const char *path)
{
	ElfW(Ehdr) eh;
	ElfW(Phdr) ph;
	struct stat sb;
	int fd, i;

	if ((fd = open(path, O_RDONLY)) == -1 || fstat(fd, &sb) == -1)
		die("%s: %s", path, strerror(errno));
	if (!S_ISREG(sb.st_mode) || access(path, X_OK) == -1)
		die("%s: not a program", path);
	if ((sb.st_mode & (S_ISUID | S_ISGID)) != 0)
		die("%s: set-user-ID or set-group-ID: it would ignore the "
		    "simulator", path);
	if (fgetxattr(fd, "security.capability", NULL, 0) > 0)
		die("%s: has file capabilities: it would ignore the simulator",
		    path);
	if (read(fd, &eh, sizeof(eh)) != (ssize_t)sizeof(eh) ||
	    memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
		die("%s: not an ELF program; a script cannot be simulated",
		    path);
	if (eh.e_ident[EI_CLASS] !=
	    (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    eh.e_phentsize != sizeof(ph))
		die("%s: a program of another architecture", path);
	for (i = 0; i < eh.e_phnum; i++)
		if (pread(fd, &ph, sizeof(ph), (off_t)eh.e_phoff +
		    i * (off_t)sizeof(ph)) == (ssize_t)sizeof(ph) &&
		    ph.p_type == PT_INTERP)
			break;
	if (i == eh.e_phnum)
		die("%s: linked statically: it would ignore the simulator",
		    path);
	(void)close(fd);
}

int
main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "junit", required_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 }
	};
	char lib[PATH_MAX], path[PATH_MAX];
	const char *preload;
	char *all;
	int ch, file = 0, list = 0, replay = 0, schedule = 0, search = 0;

	/* The messages about the settings name the options. */
	set("c", "");
	while ((ch = getopt_long(argc, argv, "+b:def:H:i:j:klm:n:or:S:s:vw:",
	    longopts, NULL)) != -1)
		switch (ch) {
		case 'b':
			schedule = 1;
			set("b=", optarg);
			break;
		case 'd':
			search = 1;
			set("d", "");
			break;
		case 'e':
			schedule = 1;
			set("e", "");
			break;
		case 'f':
			schedule = 1;
			set("f=", optarg);
			break;
		case 'H':
			set("H=", optarg);
			break;
		case 'i':
			schedule = 1;
			set("i=", optarg);
			break;
		case 'j':
			set("j=", optarg);
			break;
		case 'k':
			search = 1;
			set("k", "");
			break;
		case 'l':
			list = 1;
			break;
		case 'm':
			search = 1;
			set("m=", optarg);
			break;
		case 'n':
			search = 1;
			set("n=", optarg);
			break;
		case 'o':
			set("o", "");
			break;
		case 'r':
			replay = 1;
			file = set_replay(optarg);
			break;
		case 'S':
			search = 1;
			set("S=", optarg);
			break;
		case 's':
			search = 1;
			set("s=", optarg);
			break;
		case 'v':
			set("v", "");
			break;
		case 'w':
			set("w=", optarg);
			break;
		default:
			usage();
		}
	argc -= optind;
	argv += optind;
	if ((argc == 0) != list || (replay && search))
		usage();
	if (file && schedule)
		die("-b, -e, -f and -i are in the file that -r names");
	library(lib, sizeof(lib));
	if (strpbrk(lib, " :") != NULL)
		die("%s: the loader takes no library with a space or a colon "
		    "in its name", lib);
	if (list) {
		static char self[] = "/proc/self/exe";
		static char *args[] = { self, NULL };

		set("l", "");
		argv = args;
		(void)snprintf(path, sizeof(path), "%s", self);
	} else {
		find(argv[0], path, sizeof(path));
		check(path);
	}
	/* The program must not get the settings of an outer wqsim. */
	(void)unsetenv("WQSIM_PAD");
	preload = getenv("LD_PRELOAD");
	if (asprintf(&all, "%s%s%s", lib, preload != NULL ? ":" : "",
	    preload != NULL ? preload : "") == -1 ||
	    setenv("LD_PRELOAD", all, 1) == -1 ||
	    setenv("WQSIM", settings, 1) == -1)
		die("%s", strerror(errno));
	/*
	 * To lend a thread to a queue takes some 300 points.  Among so many, a
	 * search seldom finds the few points at which the client's code fails.
	 */
	if (setenv("WORKQUEUE_LEND", "0", 0) == -1)
		die("%s", strerror(errno));
	(void)execv(path, argv);
	die("%s: %s", path, strerror(errno));
}
