// Package dr holds the words of the domain as plain values: services, runs,
// reviews, plans, checks, decisions. It knows no SDK and does no I/O, so a rule
// about approvals or plans can be read and tested without a cloud.
package dr
