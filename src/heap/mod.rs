//! The heap: memory of one VM's objects. Non-moving; objects of one shape lie together in blocks; any pointer into an
//! object, also to its inside, leads to the object. Knows shapes of objects, never the scheduler or types.
