package api

import (
	"errors"
	"net/http"

	"marain/backend/coordinator"
)

// internalMessage is what a caller learns of an error without a code. The error itself is in the log.
const internalMessage = "something went wrong inside Marain; its log says what"

// failure is an error with a status of its own, for what the codes alone do not tell apart.
type failure struct {
	status int
	header http.Header
	cause  *coordinator.Error
}

func (f *failure) Error() string { return f.cause.Message }

func (f *failure) Unwrap() error { return f.cause }

// fail returns a failure with a message.
func fail(status int, code coordinator.Code, format string, args ...any) *failure {
	return &failure{status: status, header: http.Header{}, cause: coordinator.Errorf(code, format, args...)}
}

// invalid returns a failure for a request that is wrong.
func invalid(format string, args ...any) *failure {
	return fail(http.StatusBadRequest, coordinator.CodeInvalid, format, args...)
}

// with adds a header to the answer.
func (f *failure) with(key, value string) *failure {
	f.header.Set(key, value)
	return f
}

// StatusOf returns the REST status for a code. An unknown code is an internal error.
func StatusOf(code coordinator.Code) int {
	switch code {
	case coordinator.CodeInvalid:
		return http.StatusBadRequest
	case coordinator.CodeUnauthorized:
		return http.StatusUnauthorized
	case coordinator.CodeForbidden:
		return http.StatusForbidden
	case coordinator.CodeNotFound:
		return http.StatusNotFound
	case coordinator.CodeStale, coordinator.CodeBlocked, coordinator.CodeLocked, coordinator.CodeConflict, coordinator.CodeCancelled:
		return http.StatusConflict
	default:
		return http.StatusInternalServerError
	}
}

// errorBody is the JSON of every error.
type errorBody struct {
	Error coordinator.Error `json:"error"`
}

// MarshalError returns the JSON of an error as every door shows it: {"error": {code, message, details}}. An error
// without a code becomes "internal" with a general sentence, because its text may hold what a caller must not see.
func MarshalError(err error) ([]byte, error) {
	return Marshal(errorBody{Error: coded(err)})
}

// coded returns the coded error in err, or a general internal one.
func coded(err error) coordinator.Error {
	if found, ok := errors.AsType[*coordinator.Error](err); ok {
		return *found
	}
	return *coordinator.Errorf(coordinator.CodeInternal, internalMessage)
}
