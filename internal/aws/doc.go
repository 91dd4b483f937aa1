// Package aws is how drbot reaches AWS: sessions of a Region under a role, calls
// in the time of one call, errors in words for people. What is asked and moved
// stands in a folder for each system (aurora, ecs, route53), which reads, acts and
// makes that system's checks; systems joins them.
//
// Three rules hold everywhere. A call goes to the Region that was asked for and
// to no other, credentials included, so that a lost Region costs only the calls
// made to it. Every call is bounded as a whole, retries included. What could
// not be read is said to be unknown; it is never a zero or a default.
package aws
