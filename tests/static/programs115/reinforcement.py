"""Policy gradients with collected gradient buffers, and Q-learning with a target net that is copied now and then."""


def policy_gradient(tf, np):
    rng = np.random.RandomState(15)
    observations = tf.placeholder(tf.float32, [None, 4], name="input_x")
    W1 = tf.get_variable("W1", initializer=rng.normal(0, 0.5, [4, 6]).astype(np.float32))
    layer1 = tf.nn.relu(tf.matmul(observations, W1))
    W2 = tf.get_variable("W2", initializer=rng.normal(0, 0.5, [6, 1]).astype(np.float32))
    probability = tf.nn.sigmoid(tf.matmul(layer1, W2))

    tvars = tf.trainable_variables()
    input_y = tf.placeholder(tf.float32, [None, 1], name="input_y")
    advantages = tf.placeholder(tf.float32, name="reward_signal")
    loglik = tf.log(input_y * (input_y - probability) + (1 - input_y) * (input_y + probability))
    loss = -tf.reduce_mean(loglik * advantages)
    new_grads = tf.gradients(loss, tvars)
    adam = tf.train.AdamOptimizer(learning_rate=0.01)
    w1_grad = tf.placeholder(tf.float32, name="batch_grad1")
    w2_grad = tf.placeholder(tf.float32, name="batch_grad2")
    update_grads = adam.apply_gradients(zip([w1_grad, w2_grad], tvars))

    found = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        grad_buffer = sess.run(tvars)
        for ix, grad in enumerate(grad_buffer):
            grad_buffer[ix] = grad * 0
        for episode in range(9):
            xs = rng.normal(0, 1, [7, 4])
            chance = sess.run(probability, {observations: xs})
            action = (rng.uniform(size=[7, 1]) < chance).astype(np.float32)
            rewards = np.cumsum(0.9 ** np.arange(7))[::-1][:, None]
            rewards = (rewards - rewards.mean()) / rewards.std()
            t_grad = sess.run(new_grads, {observations: xs, input_y: 1 - action, advantages: rewards})
            for ix, grad in enumerate(t_grad):
                grad_buffer[ix] += grad
            if episode % 3 == 2:
                sess.run(update_grads, {w1_grad: grad_buffer[0], w2_grad: grad_buffer[1]})
                for ix, grad in enumerate(grad_buffer):
                    grad_buffer[ix] = grad * 0
            found.append(chance)
        return {"chances": np.array(found), "W1": sess.run(W1), "W2": sess.run(W2)}


def q_learning(tf, np):
    rng = np.random.RandomState(16)

    def net(state, name):
        with tf.variable_scope(name):
            w1 = tf.get_variable("w1", initializer=tf.constant(rng.normal(0, 0.5, [3, 8]), tf.float32))
            w2 = tf.get_variable("w2", initializer=tf.constant(rng.normal(0, 0.5, [8, 2]), tf.float32))
            return tf.matmul(tf.tanh(tf.matmul(state, w1)), w2)

    state, following = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 3])
    action, reward = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.float32, [None])
    done = tf.placeholder(tf.float32, [None])
    q, target = net(state, "online"), net(following, "target")
    copy = [
        tf.assign(t, o)
        for t, o in zip(
            tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="target"),
            tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="online"),
        )
    ]
    wanted = tf.stop_gradient(reward + 0.9 * (1.0 - done) * tf.reduce_max(target, axis=1))
    chosen = tf.reduce_sum(q * tf.one_hot(action, 2), axis=1)
    error = tf.abs(wanted - chosen)
    clipped = tf.where(error < 1.0, 0.5 * tf.square(error), error - 0.5)
    loss = tf.reduce_mean(clipped)
    train = tf.train.RMSPropOptimizer(0.01, momentum=0.95, epsilon=0.01).minimize(
        loss, var_list=tf.trainable_variables("online")
    )
    losses = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(20):
            if step % 5 == 0:
                sess.run(copy)
            xs = rng.normal(0, 1, [2, 10, 3])
            feed = {state: xs[0], following: xs[1], action: rng.randint(0, 2, 10), reward: xs[0, :, 0]}
            feed[done] = rng.randint(0, 2, 10)
            losses.append(sess.run([loss, train], feed)[0])
        greedy = sess.run(tf.argmax(q, 1), {state: rng.normal(0, 1, [6, 3])})
    return {"losses": np.array(losses), "greedy": greedy}


CASES = {"policy_gradient": policy_gradient, "q_learning": q_learning}
