/* SPDX-License-Identifier: ISC */
/*
 * The memory of replays: one for the receiver, which keeps it in a file, and
 * for the program in the kernel, which has a map of it and lets groups in by
 * itself.  Two processors run the program; the worker may die at any step, and
 * so may the whole server; another one follows.  In no order does a group get
 * in twice, and none that got in is forgotten.
 *
 * A group is known by its instant: 1, 2, ...  Of each there are as many copies
 * as somebody cares to send.  Names are those of bpf_accept.h,
 * replay_cache.c, ingress_replays.c and worker_fastpath.c.  Not here: checks
 * that two copies pass or fail alike, and damage.
 */
#define GROUPS 2
#define DEATHS 1 /* of workers alone */

/* What may be taken away from it, to see that it is missed: `fault`. */
#define FAULT_TWO_STEPS 1      /* look into the map, and then insert */
#define FAULT_NO_SECOND_LOOK 2 /* at the floor, behind the insertion */
#define FAULT_FLOOR_LATE 3     /* forgotten first, and then the floor raised */
#define FAULT_NO_CLAIM 4       /* the receiver doesn't ask the map */
#define FAULT_NO_LOOK_BACK 5   /* in the map, when the floor rose instead */
#define FAULT_NO_WAIT 6        /* for programs that run, before the next */
#define FAULT_FILLED_EARLY 7   /* before all that the program told is read */
#define FAULT_NOT_AHEAD 8      /* the file doesn't say that the kernel accepts */
#define FAULT_STOPPED_EARLY 9  /* it says so no more, with some unread */
#define FAULT_FAST_CLOCK 10    /* the program takes what is ahead of the time */
byte fault;

#define ONE(group) (1 << (group))
#define HAS(set, group) ((set) & ONE(group))
#define WITH(set, group) ((set) | ONE(group))
#define WITHOUT(set, group) ((set) & ~ONE(group))
#define HIGHER(a, b) ((a) > (b) -> (a) : (b))

/* What the kernel has; the next server's is another one. */
byte server;
byte map[2];	/* a set */
byte map_floor[2];
byte map_begin[2];
bool accepts[2];
byte told;	/* a set: what the worker has not read yet */
byte running;	/* programs */

/* The file, which outlives all. */
byte stored;	/* a set */
byte room;	/* in it: for fewer than there are, or for all */
byte floor;
byte begin;	/* what is not later was sent before it knew all */
bool ahead;

/* The worker. */
bool joined;	/* to the map */
byte forgotten; /* a set: there as well, soon */
bool dies, ends;

/* The world. */
byte made;	/* so many: the time */
byte inside;	/* a set */

#define IS_KNOWN(group)                                                        \
	(!HAS(inside, group) || HAS(stored, group) || group <= floor ||        \
	 group <= begin || HAS(told, group))

inline let_in(group)
{
	assert(!HAS(inside, group));
	inside = WITH(inside, group)
}

active proctype always()
{
end:	!(IS_KNOWN(1) && IS_KNOWN(2)) -> assert(false)
}

active proctype clock()
{
end:	do
	:: made < GROUPS -> made++
	od
}

active proctype killer()
{
	byte n;

end:	do
	:: atomic { !dies && n < DEATHS -> dies = true; n++ }
	:: atomic { !dies && server == 0 -> dies = true; ends = true }
	od
}

/* ---- the program: accept() */

#define NOW (made + (fault == FAULT_FAST_CLOCK))
#define IS_GOOD(group)                                                         \
	(group <= NOW && accepts[server] && group > map_begin[server] &&       \
	 group > map_floor[server])

inline insert()
{
	if
	:: atomic { fault != FAULT_TWO_STEPS && !HAS(map[mine], g) ->
			map[mine] = WITH(map[mine], g) }
	:: fault == FAULT_TWO_STEPS && !HAS(map[mine], g) ->
		map[mine] = WITH(map[mine], g)
	:: HAS(map[mine], g) -> goto leave
	fi
}

/* Of two that are alike, it does not matter which begins. */
#define IS_MY_TURN (_pid % 2 == 0 || running > 0)

active [2] proctype processor()
{
	byte g, mine;

end:	do
	:: atomic {
			if
			:: IS_MY_TURN && IS_GOOD(1) -> g = 1
			:: IS_MY_TURN && IS_GOOD(2) -> g = 2
			fi;
			mine = server;
			running++
		};
		insert();
		if
		:: g <= map_floor[mine] && fault != FAULT_NO_SECOND_LOOK ->
			map[mine] = WITHOUT(map[mine], g)
		:: else ->
			d_step {
				let_in(g);
				told = (mine == server -> WITH(told, g) : told)
			}
		fi;
leave:		atomic { running--; g = 0; mine = 0 }
	od
}

/*
 * ---- the receiver's memory: replay_cache.c.  A step is what others can see,
 * or what outlives the worker.
 */

#define COUNT ((HAS(stored, 1) != 0) + (HAS(stored, 2) != 0))
#define OLDEST (HAS(stored, 1) -> 1 : 2)

inline raise_there(instant)
{
	map_floor[server] =
		(joined -> HIGHER(map_floor[server], instant) :
			   map_floor[server])
}

inline warn_if_full()
{
	map_floor[server] =
		(joined && COUNT == room ->
			HIGHER(map_floor[server], OLDEST) : map_floor[server])
}

inline forget_there(group)
{
	forgotten = (joined -> WITH(forgotten, group) : forgotten)
}

inline forget(group)
{
	atomic { stored = WITHOUT(stored, group); forget_there(group) }
}

/* old: it could not be remembered, but is refused from now on. */
inline add(group)
{
	if
	:: atomic { COUNT == room && fault != FAULT_FLOOR_LATE ->
			o = OLDEST; floor = HIGHER(floor, o) };
		raise_there(o);
		forget(o)
	:: COUNT == room && fault == FAULT_FLOOR_LATE ->
		o = OLDEST;
		forget(o);
		floor = o
	:: COUNT < room
	fi;
	o = 0;
	if
	:: atomic { group <= floor -> forget_there(group); old = true }
	:: atomic { group > floor -> stored = WITH(stored, group) };
		warn_if_full()
	fi
}

/* A record is taken when it is learnt. */
inline learn(group)
{
	if
	:: group > floor && !HAS(stored, group) -> add(group)
	:: atomic { group <= floor -> forget_there(group) }
	:: group > floor && HAS(stored, group)
	fi;
	atomic { told = WITHOUT(told, group); old = false }
}

inline read_records()
{
	do
	:: HAS(told, 1) -> learn(1)
	:: HAS(told, 2) -> learn(2)
	:: told == 0 -> break
	od
}

/* ---- the map, as the worker uses it: ingress_replays.c */

/* The program inserts, then looks at the floor; here it is the other way. */
inline claim(group)
{
	if
	:: atomic { !HAS(map[server], group) ->
			map[server] = WITH(map[server], group) }
	:: atomic { HAS(map[server], group) -> old = true }
	:: raise_there(group);
		old = HAS(map[server], group) && fault != FAULT_NO_LOOK_BACK
	fi
}

inline join()
{
	d_step { forgotten = 0; map[server] = 0 };
	map_floor[server] = 0;
	map_begin[server] = begin;
	joined = true;
	raise_there(floor);
	map[server] = stored;
	warn_if_full()
}

/* By the queue come also groups of a clock that is fast. */
#define IS_NEW(group)                                                          \
	(group <= made + 1 && group > begin && group > floor &&                \
	 !HAS(stored, group))

inline judge(group)
{
	if
	:: fault != FAULT_NO_CLAIM -> claim(group)
	:: else
	fi;
	if
	:: !old -> add(group)
	:: else
	fi;
	if
	:: atomic { !old -> let_in(group) }
	:: atomic { old -> old = false }
	fi
}

inline work()
{
	do
	:: IS_NEW(1) -> judge(1)
	:: IS_NEW(2) -> judge(2)
	:: told != 0 -> read_records()
	:: atomic { HAS(forgotten, 1) ->
			map[server] = WITHOUT(map[server], 1);
			forgotten = WITHOUT(forgotten, 1) }
	:: atomic { HAS(forgotten, 2) ->
			map[server] = WITHOUT(map[server], 2);
			forgotten = WITHOUT(forgotten, 2) }
	:: server == 0 -> break
	od
}

/* ---- the monitor */

/* worker_fastpath_pause() */
inline pause()
{
	accepts[server] = false;
	fault == FAULT_NO_WAIT || running == 0
}

/* What of the old one's programs still runs goes by the old one's map. */
inline next_server()
{
	d_step {
		server = 1;
		told = 0;
		ends = false;
		joined = false;
		forgotten = 0;
		begin = (ahead -> made : begin)
	}
}

active proctype daemon()
{
	byte o;
	bool old;

	c_code {
		now.fault = getenv("FAULT") ? atoi(getenv("FAULT")) : 0;
	};
	if
	:: room = GROUPS
	:: room = 1
	fi;
again:	{
		if
		:: fault == FAULT_FILLED_EARLY -> join(); read_records()
		:: else -> read_records(); join()
		fi;
		ahead = fault != FAULT_NOT_AHEAD;
		accepts[server] = true;
		work();
		/* It is told to stop. */
		if
		:: fault == FAULT_STOPPED_EARLY
		:: else -> pause(); read_records()
		fi;
		ahead = false;
		ends = true
	} unless {
		d_step {
			dies ->
			dies = false;
			joined = false;
			forgotten = 0;
			old = false;
			o = 0
		}
	};
	if
	:: ends -> next_server()
	:: else -> pause()
	fi;
	goto again
}
