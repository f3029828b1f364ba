/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Parameters of modules.
 */

#include "linux_test.h"

#include <linux/config.h>
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

static int number = 3;
static unsigned short small;
static char *text = "unset";
static bool flag;
static int old_flag;
static bool inverted = true;
static long named_var;
static char buffer[8];
static int some[4];
static unsigned int nsome;
static unsigned char bytes[2];

module_param(number, int, 0644);
MODULE_PARM_DESC(number, "a number");
module_param(small, ushort, 0);
module_param(text, charp, 0);
module_param(flag, bool, 0);
module_param(old_flag, bool, 0);
module_param(inverted, invbool, 0);
module_param_named(the_name, named_var, long, 0);
module_param_string(buffer, buffer, sizeof(buffer), 0);
module_param_array(some, int, &nsome, 0);
module_param_array(bytes, byte, NULL, 0);

static int old_number = 1;
static char *old_text;
static long old_longs[4];
static char old_chars[6];
static short old_short;

MODULE_PARM(old_number, "i");
MODULE_PARM(old_text, "s");
MODULE_PARM(old_longs, "2-3l");
MODULE_PARM(old_chars, "c6");
MODULE_PARM(old_short, "h");

TEST_TC(env, "parameters are set from the environment before main()")
{

	test_env("WORKQUEUE_MODPARAMS", "number=-7 text=\"two words\" flag "
	    "the-name=0x10 nobody=1 old_longs=1,-2");
	TEST_EQ(-7, number);
	ATF_REQUIRE_STREQ("two words", text);
	TEST_EQ(true, flag);
	TEST_EQ(16, named_var);
	TEST_EQ(1, old_longs[0]);
	TEST_EQ(-2, old_longs[1]);
	TEST_EQ(1, old_number);
}

TEST_TC(call, "lwq_module_params sets each type")
{

	test_env("WORKQUEUE_MODPARAMS", NULL);
	TEST_EQ(3, number);
	TEST_EQ(0, lwq_module_params(""));
	TEST_EQ(0, lwq_module_params(" number=12\tsmall=65535\n text=a=b "
	    "flag=n old_flag=Y inverted=1 the_name=-9 buffer=1234567"));
	TEST_EQ(12, number);
	TEST_EQ(65535, small);
	ATF_REQUIRE_STREQ("a=b", text);
	TEST_EQ(false, flag);
	TEST_EQ(1, old_flag);
	TEST_EQ(false, inverted);
	TEST_EQ(-9, named_var);
	ATF_REQUIRE_STREQ("1234567", buffer);
	TEST_EQ(0, lwq_module_params("some=1,2,0x3 bytes=255"));
	TEST_EQ(3, nsome);
	TEST_EQ(2, some[1]);
	TEST_EQ(3, some[2]);
	TEST_EQ(255, bytes[0]);
	TEST_EQ(0, lwq_module_params("old_number=5 old_text=x "
	    "old_longs=1,2,3 old_chars=abcde old_short=-3"));
	TEST_EQ(5, old_number);
	ATF_REQUIRE_STREQ("x", old_text);
	TEST_EQ(3, old_longs[2]);
	ATF_REQUIRE_STREQ("abcde", old_chars);
	TEST_EQ(-3, old_short);
}

TEST_TC(wrong, "a value that is out of range, not a number, too long, too "
    "many or too few is refused and changes nothing")
{

	TEST_EQ(-ENOENT, lwq_module_params("nobody=1"));
	TEST_EQ(-EINVAL, lwq_module_params("number=x"));
	TEST_EQ(-EINVAL, lwq_module_params("number=1x"));
	TEST_EQ(-EINVAL, lwq_module_params("number="));
	TEST_EQ(-EINVAL, lwq_module_params("number"));
	TEST_EQ(-ERANGE, lwq_module_params("number=2147483648"));
	TEST_EQ(0, lwq_module_params("number=-2147483648"));
	TEST_EQ(INT_MIN, number);
	TEST_EQ(-ERANGE, lwq_module_params("small=65536"));
	TEST_EQ(-ERANGE, lwq_module_params("small=-1"));
	TEST_EQ(-EINVAL, lwq_module_params("flag=maybe"));
	TEST_EQ(-ENOSPC, lwq_module_params("buffer=12345678"));
	TEST_EQ(-EINVAL, lwq_module_params("some=1,2,3,4,5"));
	TEST_EQ(-EINVAL, lwq_module_params("bytes=1,2,3"));
	TEST_EQ(-EINVAL, lwq_module_params("old_longs=1"));
	TEST_EQ(-EINVAL, lwq_module_params("old_longs=1,2,3,4"));
	TEST_EQ(-ENOSPC, lwq_module_params("old_chars=abcdef"));
	TEST_EQ(-ERANGE, lwq_module_params("old_short=32768000"));
	TEST_EQ(0, small);
	ATF_REQUIRE_STREQ("", buffer);
	TEST_EQ(512, ERESTARTSYS);
}

static int initialised;

static int __init
init(void)
{

	initialised = number;
	return 5;
}

static void __exit
end(void)
{

	initialised = 0;
}

module_init(init);
module_exit(end);
MODULE_LICENSE("BSD");
MODULE_AUTHOR("nobody");
MODULE_ALIAS("x");

static void
checks(void)
{

	if (lwq_module_init() != 5)
		_exit(1);
	lwq_module_exit();
}

TEST_TC(checked, "module_init's function is called with its parameters set, "
    "after unknown names were reported")
{

	test_env("WORKQUEUE_MODPARAMS", "number=8 nobody=1");
	TEST_EQ(5, lwq_module_init());
	TEST_EQ(8, initialised);
	lwq_module_exit();
	TEST_EQ(0, initialised);
	test_says(checks, "parameter \"nobody\": no module has it", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, env);
	ATF_TP_ADD_TC(tp, call);
	ATF_TP_ADD_TC(tp, wrong);
	ATF_TP_ADD_TC(tp, checked);
	return atf_no_error();
}
