/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Parameters of modules, "name=value ...".  They come from the environment
 * before main(), and from lwq_module_params().
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "linux_var.h"

#include <linux/moduleparam.h>

#define	PARAM_ENV	"WORKQUEUE_MODPARAMS"
#define	PARAM_NAMELEN	64
#define	PARAM_LEN	1024

static struct __lwq_param *lwq_params;		/* (lwq_paramlock) */
KERN_MUTEX(lwq_paramlock);

/*
 * Parse the next "name=value" of a text.  Return false at its end.  A value may
 * have blanks inside double quotes.  A name may have no value.
 */
static bool
param_next(const char **textp, char *name, char *value, bool *hasp)
{
	const char *p;
	size_t n;
	bool quoted;

	p = *textp;
	while (*p == ' ' || *p == '\t' || *p == '\n')
		p++;
	if (*p == '\0')
		return false;
	for (n = 0; *p != '\0' && *p != '=' && *p != ' ' && *p != '\t' &&
	    *p != '\n'; p++)
		if (n < PARAM_NAMELEN - 1)
			name[n++] = *p == '-' ? '_' : *p;
	name[n] = '\0';
	n = 0;
	quoted = false;
	if ((*hasp = *p == '='))
		for (p++; *p != '\0' && (quoted || (*p != ' ' && *p != '\t' &&
		    *p != '\n')); p++) {
			if (*p == '"')
				quoted = !quoted;
			else if (n < PARAM_LEN - 1)
				value[n++] = *p;
		}
	value[n] = '\0';
	*textp = p;
	return true;
}

/*
 * Compare a name.  '-' and '_' are equal.
 */
static bool
param_is(const struct __lwq_param *p, const char *name)
{
	const char *q;

	for (q = p->__p_name; *q != '\0' && *name != '\0'; q++, name++)
		if ((*q == '-' ? '_' : *q) != *name)
			return false;
	return *q == *name;
}

static int
param_bool(void *var, size_t size, const char *s, bool has, bool invert)
{
	bool b;

	if (!has || strcmp(s, "1") == 0 || *s == 'y' || *s == 'Y' ||
	    strcmp(s, "on") == 0)
		b = true;
	else if (strcmp(s, "0") == 0 || *s == 'n' || *s == 'N' ||
	    strcmp(s, "off") == 0)
		b = false;
	else
		return -EINVAL;
	b ^= invert;
	/* Before Linux 3.3 the variable could be an int. */
	if (size == sizeof(bool))
		*(bool *)var = b;
	else if (size == sizeof(int))
		*(int *)var = b;
	else
		return -EINVAL;
	return 0;
}

/*
 * Parse a number.  It is signed if sign > 0, unsigned if sign is 0, and either
 * if sign < 0.
 */
static int
param_number(void *var, size_t size, const char *s, int sign)
{
	unsigned long long u, most;
	char *end;
	int bits;
	bool minus;

	if (size > sizeof(u))
		return -EINVAL;
	minus = *s == '-';
	if (minus)
		s++;
	if (*s < '0' || *s > '9')
		return -EINVAL;
	errno = 0;
	u = strtoull(s, &end, 0);
	if (*end != '\0')
		return -EINVAL;
	bits = (int)size * CHAR_BIT;
	most = ~0ULL >> ((int)sizeof(u) * CHAR_BIT - bits);
	if (sign > 0 || minus)
		most = most / 2 + (minus ? 1 : 0);
	if (errno != 0 || u > most || (minus && sign == 0))
		return -ERANGE;
	if (minus)
		u = -u;
	switch (size) {
	case 1:
		*(uint8_t *)var = (uint8_t)u;
		return 0;
	case 2:
		*(uint16_t *)var = (uint16_t)u;
		return 0;
	case 4:
		*(uint32_t *)var = (uint32_t)u;
		return 0;
	case 8:
		*(uint64_t *)var = u;
		return 0;
	default:
		return -EINVAL;
	}
}

/*
 * Copy a string.  The copy is never freed, because the module may keep the
 * pointer.
 */
static int
param_charp(void *var, size_t size, const char *s)
{
	char *copy;
	size_t len;

	len = strlen(s) + 1;
	if (size != sizeof(copy))
		return -EINVAL;
	if ((copy = kmem_zalloc(len, KM_NOSLEEP)) == NULL)
		return -ENOMEM;
	memcpy(copy, s, len);
	*(char **)var = copy;
	return 0;
}

static int
param_string(void *var, size_t size, const char *s)
{
	size_t len;

	if ((len = strlen(s) + 1) > size)
		return -ENOSPC;
	memcpy(var, s, len);
	return 0;
}

/*
 * Parse one value of a type with a modern name.
 */
static int
param_one(const char *type, void *var, size_t size, const char *s, bool has)
{

	if (strcmp(type, "bool") == 0 || strcmp(type, "_Bool") == 0)
		return param_bool(var, size, s, has, false);
	if (strcmp(type, "invbool") == 0)
		return param_bool(var, size, s, has, true);
	if (!has)
		return -EINVAL;
	if (strcmp(type, "charp") == 0)
		return param_charp(var, size, s);
	if (strcmp(type, "string") == 0)
		return param_string(var, size, s);
	if (strcmp(type, "short") == 0 || strcmp(type, "int") == 0 ||
	    strcmp(type, "long") == 0)
		return param_number(var, size, s, 1);
	if (strcmp(type, "byte") == 0 || strcmp(type, "ushort") == 0 ||
	    strcmp(type, "uint") == 0 || strcmp(type, "ulong") == 0 ||
	    strcmp(type, "ullong") == 0 || strcmp(type, "hexint") == 0)
		return param_number(var, size, s, 0);
	return -EINVAL;
}

/*
 * Parse from min to max values, separated by commas, into the elements of an
 * array, and store their number.
 */
static int
param_array(struct __lwq_param *p, char type, size_t elem, unsigned int min,
    unsigned int max, char *s, bool has)
{
	unsigned int n;
	char *next, *var;
	int error;

	for (n = 0;; s = next) {
		if (n == max || (n + 1) * elem > p->__p_size)
			return -EINVAL;
		if ((next = strchr(s, ',')) != NULL)
			*next++ = '\0';
		var = (char *)p->__p_var + n * elem;
		error = type == '\0' ?
		    param_one(p->__p_type, var, elem, s, has) :
		    !has ? -EINVAL : type == 's' ?
		    param_charp(var, elem, s) : param_number(var, elem, s, -1);
		if (error != 0)
			return error;
		n++;
		if (next == NULL)
			break;
	}
	if (n < min)
		return -EINVAL;
	if (p->__p_count != NULL)
		*p->__p_count = n;
	return 0;
}

/*
 * Parse a value of one of MODULE_PARM()'s types, such as "i", "4i" and "2-4i".
 * The letters b, h, i and l stand for numbers of 1, 2, sizeof(int) and
 * sizeof(long) bytes.  s is a char *.  "c20" is an array of 20 characters.
 */
static int
param_old(struct __lwq_param *p, char *s, bool has)
{
	unsigned long max, min;
	size_t elem;
	char *t;

	min = max = strtoul(p->__p_old, &t, 10);
	if (*t == '-')
		max = strtoul(t + 1, &t, 10);
	if (max == 0)
		min = max = 1;
	switch (*t) {
	case 'b':
		elem = 1;
		break;
	case 'h':
		elem = sizeof(short);
		break;
	case 'i':
		elem = sizeof(int);
		break;
	case 'l':
		elem = sizeof(long);
		break;
	case 's':
		elem = sizeof(char *);
		break;
	case 'c':
		return has ? param_string(p->__p_var, p->__p_size, s) :
		    -EINVAL;
	default:
		return -EINVAL;
	}
	return param_array(p, *t, elem, (unsigned int)min, (unsigned int)max,
	    s, has);
}

static int
param_set(struct __lwq_param *p, char *value, bool has)
{
	int error;

	if (p->__p_type == NULL)
		error = param_old(p, value, has);
	else if (p->__p_elem != p->__p_size || p->__p_count != NULL)
		error = param_array(p, '\0', p->__p_elem, 0, UINT_MAX, value,
		    has);
	else
		error = param_one(p->__p_type, p->__p_var, p->__p_size, value,
		    has);
	if (error != 0)
		wqk_printf_tolog("parameter \"%s\": invalid value \"%s\": "
		    "error %d\n", p->__p_name, value, error);
	return error;
}

/*
 * Apply a text to one parameter, or to all parameters if "only" is NULL.  In
 * the latter case report unknown names.  If "set" is false, only check the
 * names.
 */
static int
param_parse(const char *text, struct __lwq_param *only, bool set)
{
	char name[PARAM_NAMELEN], value[PARAM_LEN], work[PARAM_LEN];
	struct __lwq_param *p;
	int error, first;
	bool has, known;

	first = 0;
	while (param_next(&text, name, value, &has)) {
		known = false;
		for (p = lwq_params; p != NULL; p = p->__p_next) {
			if ((only != NULL && p != only) || !param_is(p, name))
				continue;
			known = true;
			memcpy(work, value, sizeof(work));
			error = set ? param_set(p, work, has) : 0;
			if (first == 0)
				first = error;
		}
		if (only == NULL && !known) {
			wqk_printf_tolog("parameter \"%s\": no module has it\n",
			    name);
			if (first == 0)
				first = -ENOENT;
		}
	}
	return first;
}

__lwq_public void
lwq_param_add(struct __lwq_param *p)
{
	const char *env;

	mutex_enter(&lwq_paramlock);
	p->__p_next = lwq_params;
	lwq_params = p;
	if ((env = wqpool_getenv(PARAM_ENV)) != NULL)
		(void)param_parse(env, p, true);
	mutex_exit(&lwq_paramlock);
}

__lwq_public void
lwq_param_remove(struct __lwq_param *p)
{
	struct __lwq_param **pp;

	mutex_enter(&lwq_paramlock);
	for (pp = &lwq_params; *pp != NULL; pp = &(*pp)->__p_next)
		if (*pp == p) {
			*pp = p->__p_next;
			break;
		}
	mutex_exit(&lwq_paramlock);
}

__lwq_public void
lwq_param_check(void)
{
	const char *env;

	if ((env = wqpool_getenv(PARAM_ENV)) == NULL)
		return;
	mutex_enter(&lwq_paramlock);
	(void)param_parse(env, NULL, false);
	mutex_exit(&lwq_paramlock);
}

__lwq_public int
lwq_module_params(const char *text)
{
	int error;

	mutex_enter(&lwq_paramlock);
	error = param_parse(text, NULL, true);
	mutex_exit(&lwq_paramlock);
	return error;
}
