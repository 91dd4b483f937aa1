package dr

import "slices"

// credentials are the variables by which a program that calls AWS finds its credentials, or
// who would give it some.
var credentials = []string{
	"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN",
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
	"AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
	"ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4",
}

// GivesCredentials tells whether a variable leads a program to credentials of AWS. Where
// drbot lends Terraform a session of one role, none of them is Terraform's beside that.
func GivesCredentials(variable string) bool { return slices.Contains(credentials, variable) }
