package conformance

import (
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/awscloud/inspect"
)

// watchContracts are what doctor reads beside the product's own resources. Each of these services is asked through
// doctor's adapter, which is what has to understand the answer.
func watchContracts() []contract {
	return []contract{
		{says: "CloudWatch takes AWS JSON, which doctor asks it for alarms in", open: true, hold: func(c *trial) {
			_, err := (&inspect.Deployment{Session: c.session(), At: awscloud.Place{Region: c.cfg.Region}}).Alarms(c.ctx(), ownPrefix)
			c.answer("DescribeAlarms: %s", said(err))
			c.want(err == nil, "DescribeAlarms: %s", said(err))
		}},
		{says: "Service Quotas has the quota of user profiles as L-AC46C40F of sagemaker", hold: func(c *trial) {
			most, err := (&inspect.Quotas{Session: c.session()}).Profiles(c.ctx(), c.place())
			c.want(err == nil && most > 0, "GetServiceQuota: %d, %s", most, said(err))
		}},
		{says: "CloudTrail tells of trails whether they log, and what", hold: func(c *trial) {
			trails, err := (&inspect.Trails{Session: c.session(), At: awscloud.Place{Region: c.cfg.Region}}).Trails(c.ctx())
			c.answer("there are %d trails", len(trails))
			c.want(err == nil, "DescribeTrails: %s", said(err))
		}},
	}
}
