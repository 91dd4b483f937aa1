package github

// Routes lists what the API answers, as METHOD PATH.
func (s *Server) Routes() (out []string) {
	for _, group := range [][]route{userRoutes(), gitRoutes(), contentRoutes(), commitRoutes(), pullRoutes(), issueRoutes(), hookRoutes()} {
		for _, rt := range group {
			out = append(out, rt.method+" "+rt.path)
		}
	}
	return out
}
