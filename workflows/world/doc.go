// Package world is a whole outside world in memory for tests of the runbooks: a
// forge, Terraform, a global database, workloads, names and people behind the ports of
// workflows, over the real engine, the real store and the real policies. Its clock is
// the test's bubble (testing/synctest), so that an hour's wait takes no time.
//
// Every call of a port is in a journal and can be made to fail, to lose its answer
// after acting, to block and to panic; before and after each the world can be moved.
package world
