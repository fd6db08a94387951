"""A small Box2D: the rigid bodies, joints and contacts of Gymnasium's walker and lander, bit for bit.

It computes what Box2D 2.3.10 computes, in single precision and in Box2D's order: convex bodies that hang
together by revolute joints and touch fixed edges, but not each other. Box2D is by Erin Catto and under the
zlib licence; the method is told in his talks "Iterative Dynamics with Temporal Coherence" (2005), "Modeling
and Solving Constraints" (2009) and "Continuous Collision" (2013), and in van den Bergen's book on distances
(2003).

In reading order:

    constants       Box2D's tolerances and limits
    records         what a world consists of: bodies, joints, contacts, edges, as records of numbers
    rotation        sine and cosine in single precision
    shapes          from polygons and densities to masses and centres; edges
    broad_phase     boxes around the bodies, and which may touch
    collide         where a polygon touches an edge
    joints          revolute joints with motor and limit
    contacts        the forces of contacts
    distance        how far a polygon is from an edge
    impact          the time at which a moving body hits an edge, and what happens then
    sub_step        what happens from the first impact on
    world           one step of one world, part by part
    lane_joints     the joints of sixteen worlds side by side
    lane_contacts   their contacts
    lane_solver     the iterations of many worlds, in lanes
    lidar           a ray against the edges
"""
