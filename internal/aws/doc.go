// Package aws reads and moves what a failover touches in AWS: the Aurora global
// database, the ECS services and their targets, replication lag, and the DNS
// names as their own name servers answer them.
//
// Three rules hold everywhere. A call goes to the Region that was asked for and
// to no other, credentials included, so that a lost Region costs only the calls
// made to it. Every call is bounded as a whole, retries included. What could
// not be read is said to be unknown; it is never a zero or a default.
package aws
